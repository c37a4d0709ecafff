"""`import fairtune`: studies that are run, loaded and compared from Python."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest

import fairtune
from studies.cli import main

TREE: dict[str, Any] = {
    "study": "function",
    "model": {"x": {"min": 0.0, "max": 1.0}},
    "trainer": {"epochs": 4},
    "objective": {"metric": "val/loss", "goal": "minimize"},
    "search": {"method": "random", "trials": 6},
}
DIGITS: dict[str, Any] = {
    "study": "optimizers",
    "data": "iris",
    "model": {"name": "mlp", "hidden": [4]},
    "optimizer": [
        {"name": "sgd", "lr": {"min": 1e-3, "max": 1.0, "log": True}},
        {"name": "adam", "lr": {"min": 1e-3, "max": 1e-1, "log": True}},
    ],
    "trainer": {"epochs": 2},
    "search": {"method": "random", "trials": 2, "repeats": 4},
    "compare": {"factor": "optimizer"},
}


def trial(configuration: dict[str, Any], report: Any) -> Mapping[str, float] | None:
    x, seed = configuration["model"]["x"], configuration["seed"]
    assert "command" not in configuration["model"] and isinstance(seed, int)
    for epoch in range(1, configuration["trainer"]["epochs"] + 1):
        if not report(epoch, val_loss=(x - 0.5) ** 2 + 1 / epoch):
            return None
    return {"loss": x}


def script(folder: Path, text: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    path = folder / "script.py"
    path.write_text(text)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, str(path), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment,
    )


def test_a_function_is_tuned_in_workers_and_its_numbers_are_the_studys(tmp_path: Path) -> None:
    study = fairtune.run(TREE, trial=trial, home=tmp_path / "home", workers=2, progress=False)
    assert study.finished and len(study.trials) == 6
    best = study.best
    assert best is not None and best.arm == "" and best.checkpoint is None
    x = best.configuration["model"]["x"]
    assert best.configuration["model"] == {"x": x}
    assert best.value == pytest.approx((x - 0.5) ** 2 + 1 / 4)
    assert best.value == study.trials["value"].min()
    curves = study.curves()
    assert list(curves.columns) == ["trial", "arm", "repeat", "phase", "epoch", "value"]
    assert len(curves) == 24 and set(curves["epoch"]) == {1, 2, 3, 4}
    with pytest.raises(fairtune.UserError, match="there is no metric 'val/los'; did you mean val/"):
        study.curves("val/los")
    again = fairtune.load("function", home=tmp_path / "home")
    assert again.trials["value"].tolist() == study.trials["value"].tolist()


def test_in_this_process_a_function_gives_the_same_trials_as_in_workers(tmp_path: Path) -> None:
    here = fairtune.run(
        TREE, trial=trial, engine="inline", home=tmp_path / "a", workers=1, progress=False
    )
    there = fairtune.run(TREE, trial=trial, home=tmp_path / "b", workers=1, progress=False)
    columns = ["trial", "value", "seed", "model.x"]
    assert here.trials[columns].equals(there.trials[columns])


def test_a_study_goes_on_with_its_function_and_is_not_run_without_it(tmp_path: Path) -> None:
    calls: list[int] = []

    def counted(configuration: dict[str, Any], report: Any) -> None:
        calls.append(1)
        report(1, {"val/loss": configuration["model"]["x"]})

    at = {"engine": "inline", "home": tmp_path, "progress": False}
    fairtune.run(TREE, trial=counted, **at)
    study = fairtune.run(TREE, trial=counted, overrides={"search.trials": 8}, **at)
    assert len(calls) == 8 and len(study.trials) == 8
    done = script(
        tmp_path,
        "import fairtune\nif __name__ == '__main__':\n"
        f"    fairtune.run('function', home={str(tmp_path)!r}, overrides=['search.trials=9'])\n",
    )
    assert done.returncode == 1
    assert "UserError: model.command: the study is trained by the Python function" in done.stderr


def test_a_function_that_changed_is_not_mixed_with_what_it_was(tmp_path: Path) -> None:
    text = """
import sys, fairtune
def trial(configuration, report):
    report(1, {"val/loss": configuration["model"]["x"] * SCALE})
SCALE = VALUE
if __name__ == "__main__":
    tree = TREE
    fairtune.run(tree, trial=trial, engine="inline", progress=False, home="home")
"""
    tree = {**TREE, "search": {"method": "random", "trials": 2}}
    more = {**TREE, "search": {"method": "random", "trials": 3}}
    whole = text.replace("TREE", repr(tree))
    first = script(tmp_path, whole.replace("VALUE", "1"))
    assert first.returncode == 0, first.stderr
    goes_on = "# a comment" + text.replace("TREE", repr(more))
    rewritten = script(tmp_path, goes_on.replace("VALUE", "1  # and one more"))
    assert rewritten.returncode == 0, rewritten.stderr
    once_more = goes_on.replace("'trials': 3", "'trials': 4")
    second = script(tmp_path, once_more.replace("VALUE", "2"))
    assert second.returncode == 1
    assert "function __main__.trial: has changed since study function began" in second.stderr


def test_the_environment_of_the_caller_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = {**TREE, "search": {"method": "random", "trials": 1}}
    for study, name in (("first", "PYTHONSAFEPATH"), ("second", "FAIRTUNE_DRIVER")):
        monkeypatch.setenv(name, "1")
        before = dict(os.environ)
        fairtune.run(
            {**tree, "study": study}, trial=trial, home=tmp_path, workers=1, progress=False
        )
        assert dict(os.environ) == before
        monkeypatch.delenv(name)
    before = dict(os.environ)
    fairtune.run({**tree, "study": "third"}, trial=trial, home=tmp_path, progress=False)
    assert dict(os.environ) == before


def test_where_nothing_completes_the_reason_is_raised(tmp_path: Path) -> None:
    def fails(configuration: dict[str, Any], report: Any) -> None:
        raise ValueError("no such file")

    def silent(configuration: dict[str, Any], report: Any) -> None:
        return

    at = {"engine": "inline", "home": tmp_path, "progress": False}
    with pytest.raises(fairtune.NothingCompletedError, match="error: ValueError: no such file"):
        fairtune.run({**TREE, "study": "fails"}, trial=fails, **at)
    with pytest.raises(fairtune.NothingCompletedError, match="silent reported no epoch"):
        fairtune.run({**TREE, "study": "silent"}, trial=silent, **at)


def test_a_function_that_goes_on_although_it_should_stop_is_ended(tmp_path: Path) -> None:
    heard: list[bool] = []

    def stubborn(configuration: dict[str, Any], report: Any) -> None:
        for epoch in range(1, 5):
            heard.append(report(epoch, {"val/loss": configuration["model"]["x"]}))

    tree = {
        **TREE,
        "model": {"x": {"values": [step / 10 for step in range(11)]}},
        "search": {"method": "grid", "pruner": {"name": "median", "warmup": 1}},
    }
    study = fairtune.run(
        tree, trial=stubborn, engine="inline", home=tmp_path, workers=1, progress=False
    )
    pruned = study.trials[study.trials["outcome"] == "pruned"]
    assert len(pruned) and heard.count(False) == len(pruned)
    assert (pruned["epochs"] < 4).all()


def test_an_epoch_without_the_objective_is_a_gap_everywhere(tmp_path: Path) -> None:
    def seldom(configuration: dict[str, Any], report: Any) -> None:
        x = configuration["model"]["x"]
        for epoch in range(1, configuration["trainer"]["epochs"] + 1):
            values = {"train/loss": x / epoch}
            if epoch % 2:
                values["val/loss"] = x + 1 / epoch
            if not report(epoch, values):
                return

    tree = {**TREE, "search": {**TREE["search"], "pruner": "median", "trials": 12}}
    home = tmp_path / "home"
    study = fairtune.run(tree, trial=seldom, engine="inline", home=home, workers=1, progress=False)
    assert set(study.curves("val/loss")["epoch"]) == {1, 3}
    assert {2, 4} <= set(study.curves("train/loss")["epoch"])
    completed = study.trials[study.trials["outcome"] == "completed"]
    assert set(completed["epochs"]) == {4} and set(completed["best_epoch"]) == {3}
    trials = optuna.load_study(study_name="function", storage=f"sqlite:///{home}/optuna.db").trials
    pruned = [each for each in trials if each.state.name == "PRUNED"]
    assert pruned and {max(each.intermediate_values) for each in pruned} <= {1, 3}
    assert {epoch for each in trials for epoch in each.intermediate_values} == {1, 3}


def test_a_function_that_cannot_be_sent_says_so_before_anything_is_written(tmp_path: Path) -> None:
    def with_lock(configuration: dict[str, Any], report: Any, file: Any = sys.stdout) -> None:
        report(1, {"val/loss": 1.0})

    with (tmp_path / "open").open("w") as opened:
        with_lock.__defaults__ = (opened,)
        with pytest.raises(fairtune.UserError, match="cannot be sent to a worker process"):
            fairtune.run(TREE, trial=with_lock, home=tmp_path / "home", progress=False)
    assert not (tmp_path / "home").exists()


def test_a_function_may_load_its_data_in_processes_of_its_own(tmp_path: Path) -> None:
    def loads(configuration: dict[str, Any], report: Any) -> None:
        import torch
        from torch.utils.data import DataLoader

        assert torch.get_num_threads() == configuration["trainer"]["threads"]
        total = sum(float(batch.sum()) for batch in DataLoader(range(10), num_workers=1))
        report(1, {"val/loss": total + configuration["model"]["x"]})

    tree = {**TREE, "search": {"method": "random", "trials": 1}}
    study = fairtune.run(tree, trial=loads, home=tmp_path, workers=1, progress=False)
    assert study.best is not None and 45.0 <= study.best.value <= 46.0


def test_a_wrong_report_that_a_function_ignores_is_an_error_all_the_same(tmp_path: Path) -> None:
    def ignores(configuration: dict[str, Any], report: Any) -> None:
        for epoch in (1, 2, 9, 3):
            try:
                report(epoch, {"val/loss": 1.0})
            except Exception:
                continue

    with pytest.raises(fairtune.NothingCompletedError, match="reported epoch 9 where epoch 3 was"):
        fairtune.run(TREE, trial=ignores, engine="inline", home=tmp_path, progress=False)


def test_what_a_function_may_return_is_said(tmp_path: Path) -> None:
    def returns(configuration: dict[str, Any], report: Any) -> Any:
        return report(1, {"val/loss": 1.0})

    with pytest.raises(fairtune.NothingCompletedError, match="returned True; return nothing or"):
        fairtune.run(TREE, trial=returns, engine="inline", home=tmp_path, progress=False)


def test_what_cannot_be_a_trial_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    def generator(configuration: Any, report: Any) -> Any:
        yield

    async def later(configuration: Any, report: Any) -> None: ...

    def alone() -> None: ...

    wrong = (5, "must be a function"), (generator, "plain"), (later, "plain"), (alone, "two arg")
    for given, said in wrong:
        with pytest.raises(fairtune.UserError, match=said):
            fairtune.run(TREE, trial=given, home=tmp_path / "home")  # type: ignore[arg-type]
    assert not (tmp_path / "home").exists()


def test_a_study_of_a_home_goes_on_by_its_name_with_its_function(tmp_path: Path) -> None:
    at = {"engine": "inline", "home": tmp_path, "progress": False}
    fairtune.run(TREE, trial=trial, **at)
    study = fairtune.run("function", trial=trial, overrides={"search.trials": 7}, **at)
    assert len(study.trials) == 7


def test_the_file_of_the_best_configuration_says_how_it_is_run_and_runs_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = {"engine": "inline", "home": tmp_path, "progress": False}
    study = fairtune.run(TREE, trial=trial, **at)
    assert study.best is not None
    assert main(["best", "function", "--home", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    said = (
        f"the Python function {__name__}.trial trains it, so run this file from Python: "
        'fairtune.run("function-best.yaml", trial=trial)'
    )
    assert f"\n# {said}\n" in printed.out and printed.err == f"fairtune: {said}\n"
    file = tmp_path / "function-best.yaml"
    file.write_text(printed.out)
    again = fairtune.run(file, trial=trial, overrides={"search.trials": 1}, **at)
    assert again.trials["value"].tolist() == [study.best.value]


def test_a_mistake_in_a_file_is_told_with_its_line_where_a_function_trains(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("study: f\nmodel: {x: 1}\nsearch: {method: random, trails: 3}\n")
    with pytest.raises(fairtune.UserError, match=r"study\.yaml:3: search\.trails"):
        fairtune.check(path, trial=trial)


def test_a_study_of_arms_has_verdicts_and_a_page_for_notebooks(tmp_path: Path) -> None:
    study = fairtune.run(DIGITS, home=tmp_path, workers=2, progress=False)
    [verdict] = study.verdicts
    assert {verdict.a, verdict.b} == {"sgd", "adam"}
    assert verdict.sentence in study.summary
    compared = fairtune.compare("optimizers", "val/loss", home=tmp_path)
    assert compared.metric == "val/loss" and len(compared.pairs) == 1
    assert fairtune.compare(study).pairs == study.comparison.pairs
    assert set(study.ranking["arm"]) == {"sgd", "adam"}
    page = study._repr_html_()
    assert verdict.sentence.split(":")[0] in page and "<table" in page
    assert repr(study).startswith("study optimizers: finished (")
    assert "<html" in study.report()


def test_a_page_for_notebooks_shows_the_users_words_as_text(tmp_path: Path) -> None:
    def trial(configuration: dict[str, Any], report: Any) -> None:
        report(1, {"val/<b>loss": configuration["model"]["x"]})

    tree = {**TREE, "objective": {"metric": "val/<b>loss", "goal": "minimize"}}
    study = fairtune.run(tree, trial=trial, engine="inline", home=tmp_path, progress=False)
    assert "<b>" not in study._repr_html_() and "&lt;b&gt;" in study._repr_html_()


def test_check_says_what_a_run_would_do_and_writes_nothing(tmp_path: Path) -> None:
    plan = fairtune.check(DIGITS, home=tmp_path / "home")
    assert plan.arms == ["sgd", "adam"] and plan.repeats == 4
    with pytest.raises(fairtune.UserError, match="did you mean optimizer"):
        fairtune.check({**DIGITS, "optimiser": "adam"}, home=tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_wrong_calls_are_told_in_a_sentence(tmp_path: Path) -> None:
    for call, said in (
        (lambda: fairtune.run(DIGITS, engine="cloud", home=tmp_path), "engine must be"),
        (lambda: fairtune.run(DIGITS, engine="inline", home=tmp_path), "give it as trial="),
        (lambda: fairtune.run(DIGITS, workers=0, home=tmp_path), "workers must be a whole number"),
        (lambda: fairtune.run(DIGITS, per_gpu=True, home=tmp_path), "per_gpu must be a whole"),
        (lambda: fairtune.run(DIGITS, per_gpu=65, home=tmp_path), "from 1 to 64, got 65"),
        (lambda: fairtune.run(DIGITS, trial=trial, home=tmp_path), "leave out the name"),
        (lambda: fairtune.load("nothing", home=tmp_path), "holds no studies yet"),
        (lambda: fairtune.run("nothing.yaml", home=tmp_path), "no such file or preset"),
        (lambda: fairtune.run(DIGITS, overrides="search.trials=3"), "write a list"),
    ):
        with pytest.raises(fairtune.UserError, match=said):
            call()  # type: ignore[no-untyped-call]


def test_a_script_that_was_interrupted_goes_on(tmp_path: Path) -> None:
    text = f"""
import os, signal, sys, fairtune
def trial(configuration, report):
    for epoch in range(1, 5):
        if len(sys.argv) > 1 and epoch == 2:
            os.kill(os.getpid(), signal.SIGINT)
            while True:
                report(epoch, {{"val/loss": 1.0}}) or sys.exit()
                epoch += 1
        if not report(epoch, {{"val/loss": configuration["model"]["x"]}}):
            return
if __name__ == "__main__":
    try:
        study = fairtune.run({TREE!r}, trial=trial, engine="inline", home="home", progress=False)
    except KeyboardInterrupt:
        sys.exit("interrupted")
    print(len(study.trials), study.finished)
"""
    first = script(tmp_path, text, "stop")
    assert first.stderr.strip().splitlines()[-1] == "interrupted", first.stderr
    second = script(tmp_path, text)
    assert second.stdout.split() == ["6", "True"], second.stderr


def test_a_folder_that_hides_fairtunes_own_is_named(tmp_path: Path) -> None:
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "__init__.py").write_text("")
    done = script(tmp_path, "import fairtune\n")
    assert done.stderr.strip().splitlines()[-1] == (
        f"ImportError: {tmp_path / 'studies'} hides fairtune's own package studies: rename it, or "
        "keep your script in another folder"
    )


def test_files_of_the_current_folder_that_are_called_as_libraries_are_do_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("optuna", "torch", "studies"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong one')\n")
    monkeypatch.chdir(tmp_path)
    study = fairtune.run(
        {**DIGITS, "study": "beside", "search": {"method": "random", "trials": 1, "repeats": 1}},
        home=tmp_path / "home",
        workers=1,
        progress=False,
    )
    assert study.finished
