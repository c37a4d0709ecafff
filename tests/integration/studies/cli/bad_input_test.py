"""Bad input of every kind ends with exit code 2 and a sentence for every problem, and nothing is
written."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from studies.cli import main
from tests.conftest import WriteModule

Output = pytest.CaptureFixture[str]
OBJECTIVE = "objective: {metric: val/loss, goal: minimize}\n"
REST = """
study: bad
trainer: {epochs: 1, accelerator: cpu}
search: {method: random, trials: 1}
"""
NETWORK = "model: {name: mlp, hidden: [4]}\n"
TABLE = "data: {name: table, path: rows.csv, target: outcome, batch_size: 8%s}\n" + NETWORK
NETS = """
import torch


class Net(torch.nn.Module):
    def __init__(self, width: int = 2, backbone=None):
        super().__init__()
        self.layer = torch.nn.Linear(4, 3)

    def forward(self, inputs):
        return self.layer(inputs)


class Inner(torch.nn.Module):
    def __init__(self, size: int):
        super().__init__()


def not_a_class():
    return None
"""
LIGHTNING = """
import lightning as L
import torch


class Module(L.LightningModule):
    def __init__(self, width: int = 2, lr: float = 0.1):
        super().__init__()
        self.layer = torch.nn.Linear(4, 3)
"""


@dataclass(frozen=True)
class Case:
    """A study file with several problems, and a part of the sentence about each of them."""

    study: str
    problems: tuple[str, ...]
    files: dict[str, str] = field(default_factory=dict)
    rest: str = REST


def rows(**columns: str) -> dict[str, str]:
    """A table of 40 rows with two classes; the columns repeat the words that they are given."""
    words = {name: text.split("|") for name, text in {**columns, "outcome": "ill|well"}.items()}
    lines = [
        ";".join([str(row), *(each[row % len(each)] for each in words.values())])
        for row in range(40)
    ]
    return {"rows.csv": "\n".join([";".join(["number", *words]), *lines]) + "\n"}


CASES = {
    1: Case(
        TABLE.replace("outcome", "outcme") % ", drop: [prce]",
        ("'outcme'", "'prce'"),
        rows(price="1|2|3"),
    ),
    2: Case(
        TABLE % ', dates: {day: "%Y-%m-%d", night: "%Y-%m-%d"}',
        ("column day", "column night"),
        rows(day="1.2.2024|3.4.2024", night="1/13/2024|2/14/2024"),
    ),
    3: Case(
        TABLE % "",
        ("column price", "column size"),
        rows(price="1,234|2,500|3,100", size="1.234 kg|2.500 kg"),
    ),
    4: Case(
        TABLE % "",
        ("column price", "column size"),
        rows(price="1|2|3|4|cheap", size="5|6|7|8|large"),
    ),
    5: Case(
        "data: {name: images, path: nowhere, background: purplish, color: rgbx}\n" + NETWORK,
        ("background", "color"),
    ),
    7: Case(
        "data: {name: iris, batch_size: 0, validation: 2}\n" + NETWORK,
        ("batch_size", "validation"),
    ),
    8: Case(
        "data: {name: iris}\nmodel: {name: mlp, hidden: [4], dropout: {min: 0, max: 0.5, step: -1}}"
        "\noptimizer: {name: adam, lr: {min: 1e-3, max: 1e-1, num: 0}}\n",
        ("model.dropout", "optimizer.lr"),
    ),
    9: Case(
        "data: {name: iris, batch_size: -1}\nmodel: {name: mlp, hidden: [4], activation: "
        "{values: [relu, tanh]}}\n",
        ("batch_size", "cmaes"),
        rest=REST.replace("random", "cmaes"),
    ),
    10: Case(
        "data: {name: iris}\nobjective: {metric: val/accurcy, goal: maximise}\n" + NETWORK,
        ("val/accurcy", "maximise"),
    ),
    11: Case(
        'data: {name: iris}\nmodel: {class: "bad_lightning:Module", widht: 3, lrr: 0.1}\n'
        + OBJECTIVE,
        ("widht", "lrr"),
    ),
    12: Case(
        "data: {name: iris}\n" + NETWORK + "schedule: {name: plateau, factr: 2}\n"
        "optimizer: {name: adam, lr: -1}\n",
        ("factr", "optimizer.lr"),
    ),
    13: Case(
        "data: {name: iris}\n" + NETWORK + "loss: cross_entrpy\noptimizer: admm\n",
        ("cross_entrpy", "admm"),
    ),
    14: Case(
        "data: {name: iris}\nmodel: {name: mlp, hidden: [4], dropout: {min: 1, max: 0}}\n"
        "optimizer: {name: adam, lr: {values: []}, weight_decay: {values: [.nan]}}\n",
        ("model.dropout", "optimizer.lr", "optimizer.weight_decay"),
    ),
    15: Case(
        "data: {name: iris}\nobjective: {metric: '', goal: maximize}\n" + NETWORK,
        ("objective.metric", "../bad"),
        rest=REST.replace("study: bad", "study: ../bad"),
    ),
    16: Case(
        'data: {name: iris}\nmodel: {class: "bad_lightning:Module", widht: 3, '
        'lr: {class: "bad_lightning:Rate"}}\n' + OBJECTIVE,
        ("widht", "Rate"),
    ),
    17: Case(
        'data: {name: iris}\nmodel: {class: "bad_nets:Net", width: {class: "bad_nets:Innr"}, '
        'backbone: {class: "bad_nets:Inner", size: 2, sise: 3}}\noptimizer: adam\n' + OBJECTIVE,
        ("Innr", "sise"),
    ),
    18: Case(
        TABLE % ", missing_targets: dropp, rare_classes: keep",
        ("missing_targets", "rare_classes"),
        rows(price="1|2|3"),
    ),
    19: Case(
        TABLE.replace("outcome", "[price, sise]") % ", task: regression, drop: [nothere]",
        ("'sise'", "'nothere'"),
        rows(price="1|2|3", size="4|5|6|7"),
    ),
    20: Case(
        "data: {name: text, path: rows.csv, text: price, target: outcome, min_count: 0, "
        "max_words: 0}\nmodel: {name: lstm}\n",
        ("min_count", "max_words"),
        rows(price="good one|bad one"),
    ),
    21: Case(
        'model: {command: [python, train.py, "{model.bm}", "{model.bn:flagg --bn}"], bn: true}\n'
        "objective: {metric: val/loss, goal: minimize}\n",
        ("model.bm", "flagg"),
        {"train.py": "print(1)\n"},
    ),
    22: Case(
        'model: {command: [python, train.py, "{seed}"]}\n'
        "objective: {metric: val/loss, goal: minimize}\n"
        "metrics: {from: log, patterns: {val/loss: '(', epoch: 'no group'}}\n",
        ("val/loss", "epoch"),
        {"train.py": "print(1)\n"},
    ),
    23: Case(
        "model: {command: [python, missing.py], width: 3}\noptimizer: {name: adam, lr: 0.1}\n"
        + OBJECTIVE,
        ("model.width", "optimizer.name", "optimizer.lr"),
    ),
    24: Case(
        "model: {command: [no-such-program-here], cwd: nowhere}\n"
        "objective: {metric: val/loss, goal: minimize}\n",
        ("no-such-program-here", "nowhere"),
    ),
    25: Case(
        "data: {name: iris}\nmodel: {name: mlp, hidden: [{min: 8, max: 4}, {min: a, max: 8}]}\n"
        "optimizer: {name: muon, lrr: 0.1}\n",
        ("model.hidden.0", "model.hidden.1", "lrr"),
    ),
    27: Case(
        "data: {name: iris}\n" + NETWORK + "optimizer: {name: adam, lr: {low: 1, high: 2}}\n"
        "sampler: tpe\n",
        ("bayes", "optimizer.lr", "sampler"),
        rest=REST.replace("random", "bayes"),
    ),
}
STARTS = "study bad: starting "
PROGRAMS = {21, 22, 23, 24}


def content(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder below a folder, and the bytes of the files."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("number", CASES)
def test_every_problem_is_a_sentence(
    number: int, own_folder: Path, write_module: WriteModule, capsys: Output
) -> None:
    case = CASES[number]
    write_module("bad_nets", NETS)
    write_module("bad_lightning", LIGHTNING)
    for name, text in case.files.items():
        Path(name).write_text(text)
    Path("study.yaml").write_text(case.rest + case.study)
    before = content(own_folder)
    commands = ["check", "run"] if number in PROGRAMS else ["check", "run", "data"]
    for command in commands:
        code = main([command, "study.yaml", "--home", "home"])
        written = capsys.readouterr()
        assert code == 2
        assert all(problem in written.err for problem in case.problems), written.err
        told = [line for line in written.err.splitlines() if not line.startswith(STARTS)]
        assert len(told) == len(case.problems), written.err
        assert "Traceback" not in written.err + written.out
        assert written.out == ""
        assert content(own_folder) == before
