"""A script is read and not run: its arguments become ranges, what it prints becomes metrics."""

import ast
from pathlib import Path
from textwrap import dedent

import pytest

from lightning_modules.errors import UserError
from studies.inputs.first_study.arguments import Argument, arguments_of
from studies.inputs.first_study.script_study import script_study, searched_range
from studies.inputs.first_study.written_metrics import metrics_in
from studies.study_file import Spec, document, resolve
from studies.study_file.command_template import command_line

SCRIPT = """
import argparse
raise SystemExit("this script is never run")
parser = argparse.ArgumentParser()
parser.add_argument("-l", "--learning-rate", type=float, default=1e-2)
parser.add_argument("--batch-size", "-b", type=int, default=32)
parser.add_argument("--test-batch-size", type=int, default=1000)
parser.add_argument("--epochs", type=int, default=7)
parser.add_argument("--seed", type=int)
parser.add_argument("--no-bn", action="store_true")
parser.add_argument("--optimizer", choices=["sgd", "adam"])
parser.add_argument("--dropout-rates", nargs="+", type=float)
parser.add_argument("--out", default="models")
print(f"Epoch {epoch}: train loss {loss:.3f} val_acc={accuracy:.2%}")
"""


def spec_of(tmp_path: Path, script: str) -> tuple[Spec, str]:
    path = tmp_path / "train.py"
    path.write_text(dedent(script))
    text = script_study(path)
    return resolve(document.parse(text, "train.yaml")), text


def test_arguments_become_ranges_and_places(tmp_path: Path) -> None:
    spec, text = spec_of(tmp_path, SCRIPT)
    assert [name for name, _ in spec.space.parameters()] == [
        "model.learning_rate", "model.batch_size", "model.optimizer",
    ]  # fmt: skip
    line = command_line(spec.configurations[0], 5, 0, "")
    assert line.endswith(
        "train.py --learning-rate 0.001 --batch-size 16 --epochs 7 --seed 5 --optimizer sgd"
    )
    assert "--no-bn, --dropout-rates, --out (models)" in " ".join(text.split()).replace("# ", "")
    assert (spec.objective.metric, spec.objective.goal) == ("val/accuracy", "maximize")


def test_what_is_needed_stands_out(tmp_path: Path) -> None:
    script = """
    parser.add_argument("folder")
    parser.add_argument("--lr", default=0.1)
    parser.add_argument("--size", required=True, choices=["small", "large"])
    """
    spec, text = spec_of(tmp_path, script)
    line = command_line(spec.configurations[0], 0, 0, "")
    assert line.endswith("train.py CHANGE-ME --lr 0.01 --size small")
    assert "The script needs folder" in text and "No metric was found" in text


def test_click_is_read_too(tmp_path: Path) -> None:
    script = """
    @click.command()
    @click.option("--lr", default=0.1, type=float)
    @click.option("--amp/--no-amp", default=False)
    def main(lr, amp): wandb.log({"val_acc": 1, "train_loss": 2})
    import wandb
    """
    spec, text = spec_of(tmp_path, script)
    assert [name for name, _ in spec.space.parameters()] == ["model.lr"]
    assert spec.metrics is not None and spec.metrics.way == "wandb"
    assert "takes no seed" in text


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("print(1", "is no Python"),
        ("x = 1\n", "takes no learning rate"),
        ("parser.add_argument('--out')\n", "takes no learning rate"),
        ("\0", "is no Python"),
        ("", "is empty"),
    ],
)
def test_scripts_that_cannot_be_searched_are_refused(
    tmp_path: Path, script: str, words: str
) -> None:
    with pytest.raises(UserError, match=words):
        spec_of(tmp_path, script)


@pytest.mark.parametrize(
    ("argument", "wanted"),
    [
        (Argument("--lr", "lr", "float", 0.1), {"min": 0.01, "max": 1.0, "log": True}),
        (Argument("--lr", "lr", "float", 0), {"min": 0.0001, "max": 0.01, "log": True}),
        (Argument("--max_lr", "max_lr", ""), {"min": 0.0001, "max": 0.01, "log": True}),
        (Argument("--min-lr", "min_lr", "float", 0.1), None),
        (Argument("--hidden-dim", "hidden_dim", "int", 100), {"values": [50, 100, 200]}),
        (Argument("--batch-size", "batch_size", "int", 1), {"values": [32, 64, 128]}),
        (Argument("--hidden", "hidden", "str", "64,64"), None),
        (Argument("--hidden", "hidden", "int", None, several=True), None),
        (Argument("--momentum", "momentum", "bool"), None),
        (Argument("", "lr", "float"), None),
        (Argument("--data", "data", "str"), None),
    ],
)
def test_ranges_follow_names_and_defaults(argument: Argument, wanted: object) -> None:
    assert searched_range(argument) == wanted


def test_values_that_are_no_constants_are_nobodys() -> None:
    script = "p.add_argument('--lr', default=DEFAULT, choices=list(TABLE), type=lambda x: x)"
    assert arguments_of(ast.parse(script)) == [Argument("--lr", "lr", "")]


@pytest.mark.parametrize(
    ("script", "objective", "source"),
    [
        (
            "print('Train Epoch: {} [{}/{}]\\tLoss: {:.6f}'.format(1, 2, 3, 4))\n"
            "print('\\nTest set: Average loss: {:.4f}, Accuracy: {}/{}\\n'.format(1, 2, 3))",
            "val/accuracy",
            {"epoch", "train/loss", "val/loss", "val/accuracy"},
        ),
        ("print('epoch', epoch, 'loss', loss)", "val/loss", {"epoch", "val/loss"}),
        ("logger.info('step %d val f1 %.3f' % (1, 2))", "val/f1", {"val/f1"}),
        ("print('done in', seconds)", "", set()),
        ("print(loss)", "", set()),
    ],
)
def test_what_a_script_prints(script: str, objective: str, source: set[str]) -> None:
    found = metrics_in(ast.parse(script))
    assert found.objective == objective
    assert {*found.source.get("patterns", ())} == source
    assert found.goal == ("minimize" if "loss" in objective else "maximize")


def test_patterns_read_what_is_printed() -> None:
    import re

    found = metrics_in(ast.parse("print(f'Epoch {e}/{n} | val loss: {v:8.4f} | val acc {a:.1f}%')"))
    line = "Epoch 3/9 | val loss:   0.2500 | val acc 91.0%"
    read = {
        name: match[1]
        for name, pattern in found.source["patterns"].items()
        if (match := re.search(pattern, line))
    }
    assert read == {"epoch": "3", "val/loss": "0.2500", "val/accuracy": "91.0"}


def test_what_a_script_reports_or_logs() -> None:
    reported = "from fairtune.program import report\nreport(1, val_loss=2, train_loss=3)"
    found = metrics_in(ast.parse(reported))
    assert (found.objective, found.goal, found.source) == ("val/loss", "minimize", {})
    logged = "import mlflow\nmlflow.log_metric('accuracy', 1, step=2)"
    assert metrics_in(ast.parse(logged)).source == {
        "from": "mlflow", "names": {"val/accuracy": "accuracy"},
    }  # fmt: skip
