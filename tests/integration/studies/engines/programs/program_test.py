"""Trainings that are programs of another language, through the lines that they print."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from lightning_modules.configuration import Configuration
from lightning_modules.errors import Interrupted
from studies.engines import Task
from studies.engines.training import train_task
from studies.engines.worker import guarded
from studies.records import EpochReport, Outcome, TrialEnd
from studies.study_file.command_template import tells_split

Tree = dict[str, Any]

TRAINING = r"""
for epoch in $(seq "$3"); do
    echo "epoch $epoch is done"
    awk -v lr="$1" -v epoch="$epoch" 'BEGIN {
        loss = (lr - 0.1) ^ 2 + 1 / epoch
        printf "{\"epoch\": %d, \"metrics\": {\"val/loss\": %s}}\n", epoch, loss
    }'
    read answer
    [ "$answer" != stop ] || { echo told to stop > stopped; exit; }
done
echo "{\"test\": {\"loss\": 0.25}}"
"""
"""A training in sh and awk that waits for its answers."""
GOAL = {"metric": "val/loss", "goal": "minimize"}
COMMAND = ["sh", "-c", TRAINING, "sh", "{optimizer.lr}", "{seed}", "{epochs}"]


@pytest.fixture(autouse=True)
def no_program_stays() -> Iterator[None]:
    """Other tests may have left processes of Python's own."""
    before = set(psutil.Process().children())
    yield
    assert set(psutil.Process().children()) <= before


def task(folder: Path, command: list[str], epochs: int = 3, **parts: Any) -> Task:
    tree: Tree = {
        "model": {"command": command},
        "optimizer": {"name": "sgd", "lr": 0.5},
        "trainer": {"epochs": epochs},
        "objective": GOAL,
        **parts,
    }
    configuration = Configuration.resolve(tree)
    return Task("trial-0001", configuration, 7, None, str(folder / "state"))


def ended(
    folder: Path,
    command: list[str],
    *,
    stop: int = 0,
    interrupt: int = 0,
    tested: bool = False,
    **parts: Any,
) -> tuple[TrialEnd, list[EpochReport]]:
    """How a program's trial ends, and what it reported; it is stopped after the epoch `stop`."""
    reports: list[EpochReport] = []

    def ask(report: EpochReport) -> bool:
        reports.append(report)
        if report.epoch == interrupt:
            raise Interrupted
        return report.epoch != stop

    asked = replace(task(folder, command, **parts), evaluate_test=tested)
    return guarded(asked, ask, train_task), reports


def sh(script: str) -> list[str]:
    return ["sh", "-c", script]


def said(epoch: Any, loss: Any = 0.5, **others: Any) -> str:
    return f"echo '{json.dumps({'epoch': epoch, 'metrics': {'val/loss': loss, **others}})}'"


def test_a_program_in_sh_and_awk_is_a_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    end, reports = ended(tmp_path, COMMAND, tested=True)
    assert (end.outcome, end.reason) == (Outcome.completed, "")
    assert [report.epoch for report in reports] == [1, 2, 3]
    assert reports[0].metrics["val/loss"] == pytest.approx(1.16)
    assert reports[0].metrics["time/epoch_s"] > 0
    assert (end.epochs, end.best_epoch) == (3, 3)
    assert end.best["val/loss"] == pytest.approx(0.16 + 1 / 3, abs=1e-5)
    assert end.test == {"test/loss": 0.25}
    assert not (tmp_path / "stopped").exists()


def test_what_a_program_says_of_its_test_part_is_kept_only_where_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    end, _ = ended(tmp_path, COMMAND)
    assert (end.outcome, end.test) == (Outcome.completed, {})


def test_a_program_that_listens_ends_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    end, reports = ended(tmp_path, COMMAND, stop=2)
    assert (end.outcome, end.reason) == (Outcome.pruned, "stopped by the pruner after epoch 2")
    assert len(reports) == end.epochs == 2
    assert (tmp_path / "stopped").read_text() == "told to stop\n"


@pytest.mark.parametrize("deaf", ["", "trap '' TERM; "])
def test_a_program_that_does_not_listen_is_ended_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deaf: str
) -> None:
    monkeypatch.setattr("studies.engines.programs.process.GRACE_SECONDS", 0.3)
    script = f"{deaf}sleep 300 & echo $! > {tmp_path}/child; {said(1)}; wait; sleep 300"
    end, _ = ended(tmp_path, sh(script), stop=1)
    assert (end.outcome, end.epochs) == (Outcome.pruned, 1)
    child = int((tmp_path / "child").read_text())
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_among_epochs_of_equal_accuracy_the_one_of_the_lowest_loss_is_the_best(
    tmp_path: Path,
) -> None:
    reported = [(0.5, 0.1), (0.9, 0.4), (0.9, 0.2), (0.9, 0.2), (0.9, float("nan"))]
    lines = (said(at, loss, accuracy=value) for at, (value, loss) in enumerate(reported, 1))
    lines = (line.replace("accuracy", "val/accuracy") for line in lines)
    goal = {"metric": "val/accuracy", "goal": "maximize"}
    end, _ = ended(tmp_path, sh("; ".join(lines)), epochs=5, objective=goal)
    assert (end.outcome, end.best_epoch, end.best["val/loss"]) == (Outcome.completed, 3, 0.2)


def test_a_program_that_never_reads_is_not_kept_waiting(tmp_path: Path) -> None:
    end, reports = ended(tmp_path, sh("; ".join(said(epoch) for epoch in (1, 2, 3))))
    assert (end.outcome, len(reports)) == (Outcome.completed, 3)


def test_an_interrupted_program_is_ended_and_starts_anew(tmp_path: Path) -> None:
    end, reports = ended(tmp_path, COMMAND, interrupt=2)
    assert (end.outcome, len(reports)) == (Outcome.interrupted, 2)
    end, reports = ended(tmp_path, COMMAND)
    assert [report.epoch for report in reports] == [1, 2, 3]
    assert end.outcome == Outcome.completed


def test_everything_that_a_program_may_ask_for_is_given(tmp_path: Path) -> None:
    command = ["{optimizer.name}", "{trainer.epochs}", "{seed}", "{{seed}}", "{data.standardize}"]
    command += ["a {model.sizes} b", "{configuration}", "{optimizer.lr}{epochs}", "{split}"]
    script = f'for word in "$@"; do echo "$word"; done > {tmp_path}/words; {said(1)}'
    model = {"command": [*sh(script), "sh", *command], "sizes": [3, 4]}
    end, _ = ended(tmp_path, [], model=model, data="iris")
    assert end.outcome == Outcome.completed, end.reason
    words = (tmp_path / "words").read_text().splitlines()
    assert words[:6] == ["sgd", "3", "7", "{seed}", "true", "a [3, 4] b"]
    assert words[7:] == ["0.53", "0"]
    whole = json.loads(Path(words[6]).read_text())
    assert (whole["optimizer"]["lr"], whole["seed"], whole["model"]["sizes"]) == (0.5, 7, [3, 4])
    assert whole["split"] == 0


def test_a_program_is_told_its_split_and_its_data_section_stays(tmp_path: Path) -> None:
    script = f'for word in "$@"; do echo "$word"; done > {tmp_path}/words; {said(1)}'
    command = [*sh(script), "sh", "{split}", "{data.split_seed}", "{configuration}"]
    given = replace(task(tmp_path, command, data="iris"), split=5)
    end = train_task(given, lambda report: True)
    assert (end.outcome, end.rows) == (Outcome.completed, {})
    split, own_split, whole = (tmp_path / "words").read_text().splitlines()
    assert (split, own_split) == ("5", "0")
    told = json.loads(Path(whole).read_text())
    assert (told["split"], told["data"]["split_seed"]) == (5, 0)


@pytest.mark.parametrize(
    ("word", "told"),
    [("{split}", True), ("{configuration}", True), ("{seed}", False), ("{{split}}", False)],
)
def test_a_command_says_whether_its_program_is_told_the_split(word: str, told: bool) -> None:
    tree = {"model": {"command": ["train", f"--with={word}"]}, "objective": GOAL}
    assert tells_split(Configuration.resolve(tree)) is told
    assert not tells_split(Configuration.resolve({"data": "iris", "model": "mlp"}))


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo so what; exit 3", "the program ended with exit code 3: so what"),
        (f"{said(1)}; echo oh no >&2; exit 4", "the program ended with exit code 4: oh no"),
        (
            f"{said(1)}; echo ValueError: no >&2; echo tidy >&2; echo bye; exit 1",
            "the program ended with exit code 1: ValueError: no",
        ),
        ("exit 127", "the program ended with exit code 127 (a command was not found): it printed "
         "nothing"),
        ("echo nothing", "UserError: the program reported no epoch; its last words: nothing"),
        (said(2), "UserError: the program reported epoch 2 where epoch 1 was expected: they count"),
        (f"{said(1)}; {said(1)}", "UserError: the program reported epoch 1 where epoch 2 was exp"),
        (said(True), "UserError: the program reported epoch True where epoch 1 was expected"),
        (
            "; ".join(said(epoch) for epoch in range(1, 5)),
            "UserError: the program reported more epochs than trainer.epochs (3): give it {epochs}",
        ),
        (said(1, "high"), "UserError: val/loss is 'high' in epoch 1, which is no number"),
        (said(1, None), "UserError: val/loss is None in epoch 1, which is no number"),
        (
            """echo '{"epoch": 1}'""",
            'UserError: the program reported epoch 1 without metrics; the form is {"epoch"',
        ),
        (
            """echo '{"epoch": 1, "metrics": {"val/los": 1}}'""",
            "UserError: the program did not report val/loss in epoch 1, but val/los",
        ),
        (
            """echo '{"epoch": 1, metrics'""",
            """UserError: the program reported what is no JSON: '{"epoch": 1, metrics'""",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_program_is_its_reason(
    tmp_path: Path, script: str, reason: str
) -> None:
    end, _ = ended(tmp_path, sh(script))
    assert end.outcome == Outcome.error
    assert end.reason.startswith(reason)


@pytest.mark.parametrize("dies", ["exit 1", "kill -ABRT $$"])
def test_a_program_whose_last_words_say_so_ran_out_of_memory(tmp_path: Path, dies: str) -> None:
    last = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB."
    end, _ = ended(tmp_path, sh(f"{said(1)}; echo '{last}' >&2; {dies}"))
    assert end.outcome == Outcome.out_of_memory
    assert end.reason.endswith(f": {last}")


@pytest.mark.parametrize(
    ("accelerator", "kind", "device"),
    [("auto", "NVIDIA H200", "NVIDIA H200"), ("cpu", "NVIDIA H200", "cpu"), ("auto", None, "cpu")],
)
def test_a_program_trains_on_the_device_of_its_worker(
    tmp_path: Path, accelerator: str, kind: str | None, device: str
) -> None:
    given = task(tmp_path, sh(said(1)), trainer={"epochs": 3, "accelerator": accelerator})
    assert train_task(replace(given, kind=kind), lambda _: True).device == device


def test_a_program_that_is_killed_has_crashed_with_its_last_words(tmp_path: Path) -> None:
    end, _ = ended(tmp_path, sh(f"{said(1)}; echo going >&2; echo down; kill -SEGV $$"))
    assert (end.outcome, end.reason) == (
        Outcome.crashed,
        "the program was killed by SIGSEGV, a segmentation fault",
    )
    assert end.traceback == "down\ngoing"


@pytest.mark.parametrize(
    ("printed", "told"), [("nan", "nan"), ("-nan", "nan"), ("NaN", "nan"), ("inf", "inf")]
)
def test_a_program_whose_objective_is_not_finite_has_diverged(
    tmp_path: Path, printed: str, told: str
) -> None:
    line = f"""echo '{{"epoch": 2, "metrics": {{"val/loss":{printed},"other": -inf}}}}'"""
    end, reports = ended(tmp_path, sh(f"{said(1)}; {line}; sleep 300"))
    assert (end.outcome, end.reason) == (Outcome.diverged, f"val/loss is {told} after epoch 2")
    assert (end.best_epoch, len(reports)) == (1, 2)
    assert reports[1].metrics["other"] == -float("inf")


def test_a_program_that_cannot_be_started_says_why(tmp_path: Path) -> None:
    end, _ = ended(tmp_path, [str(tmp_path / "nowhere")])
    assert end.outcome == Outcome.error
    assert end.reason.endswith("nowhere cannot be started: No such file or directory")


def test_the_three_lines_of_python_report_and_listen(tmp_path: Path) -> None:
    script = (
        "from fairtune.program import report\n"
        "for epoch in range(1, 4):\n"
        "    if not report(epoch, val_loss=1 / epoch, speed=3):\n"
        "        break\n"
        "print('done after', epoch)\n"
    )
    (tmp_path / "train.py").write_text(script)
    end, reports = ended(tmp_path, [sys.executable, str(tmp_path / "train.py")], stop=2)
    assert (end.outcome, end.epochs) == (Outcome.pruned, 2)
    assert {"val/loss", "speed"} <= set(reports[0].metrics)


def test_secrets_do_not_reach_the_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hunter2hunter2")
    end, _ = ended(tmp_path, sh("echo $MLFLOW_TRACKING_PASSWORD; exit 3"))
    assert "hunter2" not in end.reason + (end.traceback or "")


def test_threads_are_those_of_the_file(tmp_path: Path) -> None:
    script = f'echo "$OMP_NUM_THREADS" > {tmp_path}/threads; {said(1)}'
    end, _ = ended(tmp_path, sh(script))
    assert end.outcome == Outcome.completed
    assert (tmp_path / "threads").read_text() == "1\n"


def test_a_program_that_prints_a_secret_leaves_it_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On both streams, in pieces, in lines and as bytes that are no text."""
    monkeypatch.setenv("MY_TOKEN", "canary-31")
    monkeypatch.setenv("PRIVATE_KEY", "first-line\nsecond-line")
    monkeypatch.setenv("FAIRTUNE_STORAGE", "postgresql://me:half-41@host/x")
    script = """
    printf 'can'; printf 'ary-31 \\377\\n'; echo "$PRIVATE_KEY" >&2; echo "$FAIRTUNE_STORAGE"
    printf 'c\\000a\\000n\\000a\\000r\\000y\\000-\\0003\\0001\\000\\n'
    echo "password=$$ and $MY_TOKEN"; exit 3
    """
    end, _ = ended(tmp_path, sh(script.replace("\\\\", "\\")))
    assert end.outcome == Outcome.error and end.traceback
    assert end.reason == "the program ended with exit code 3: ***"  # of standard error
    assert "password=*** and ***" in end.traceback.splitlines()
    text = end.reason + end.traceback
    for secret in ("canary", "31", "first-line", "second-line", "half-41"):
        assert secret not in text.replace("\0", "")


@pytest.mark.parametrize("env", [None, (), ("SHOWN", "NEVER_SET")])
def test_a_program_sees_all_variables_or_those_that_the_file_names(
    env: tuple[str, ...] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOWN", "there")
    monkeypatch.setenv("FAIRTUNE_STORAGE", "postgresql://me:half-41@host/x")
    wanted = "^PATH= ^HOME= ^OMP_NUM_THREADS= ^SHOWN= ^FAIRTUNE_STORAGE="
    command = sh(f"env | grep {' '.join(f'-e {each}' for each in wanted.split())}; exit 3")
    end = guarded(replace(task(tmp_path, command), env=env), lambda _: True, train_task)
    assert end.traceback is not None
    names = {line.partition("=")[0] for line in end.traceback.splitlines()}
    assert ("SHOWN" in names) == (env != ())
    assert ("FAIRTUNE_STORAGE" in names) == (env is None)
    assert {"PATH", "HOME", "OMP_NUM_THREADS"} <= names


def test_a_program_gets_flags_words_variables_and_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "sub"
    folder.mkdir()
    script = 'for w in "$@"; do echo "$w"; done; echo "$LR $OMP_NUM_THREADS"; pwd'
    (folder / "train.sh").write_text(f"({script}) > words; {said(1)}")
    model = {
        "command": ["sh", "train.sh", "--epochs", 5, "{model.bn:flag --bn/--no-bn}", "{params}"],
        "bn": False,
        "layers": [32, 64],
        "clip": None,
        "env": {"LR": "{optimizer.lr:%.1e}", "OMP_NUM_THREADS": 3},
        "cwd": str(folder),
    }
    end, _ = ended(tmp_path, [], model=model)
    assert end.outcome == Outcome.completed, end.reason
    assert (folder / "words").read_text().splitlines() == [
        *["--epochs", "5", "--no-bn", "--layers", "32", "64", "--optimizer", "sgd"],
        "5.0e-01 3",
        str(folder),
    ]
