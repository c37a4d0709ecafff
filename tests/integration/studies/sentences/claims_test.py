"""A study that searched every arm once says nothing about arms, wherever it speaks."""

import html
import json
import re
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from studies.cli import main
from studies.home import Home
from studies.mirrors.mlflow.client import MlflowClient
from tests.conftest import MakeHome
from tests.support.accounts import Runs

ARMS = ("sgd", "adam")
ONCE = """
study: once
data: {name: iris, batch_size: 16}
model: {name: mlp, hidden: [8]}
optimizer:
  - {name: sgd, lr: {min: 1e-6, max: 1e-5, log: true}}
  - {name: adam, lr: {min: 1e-2, max: 5e-2, log: true}}
trainer: {epochs: 5}
objective: {metric: val/loss}
"""
DESIGNS = {
    "configurations": "search: {method: random, trials: 2}\n"
    "compare: {factor: optimizer, claim: configurations}\nconfirm: {seeds: 8}\n",
    "arms": "search: {method: random, trials: 2, repeats: 1}\n"
    "compare: {factor: optimizer, claim: arms}\nconfirm: {seeds: 8}\n",
}
NAME = rf"(?<!found for )\b(?:{'|'.join(ARMS)})\b"
SAYS_OF_ARMS = re.compile(
    rf"{NAME}[`'\"*]*,? (?:\w+ )?"
    r"(?:beats?|beat|wins?|won|leads?|led|outperforms?|surpass\w*|(?:is|was|looks) (?:\w+ )?"
    r"(?:better|best|superior|ahead|preferable))\b"
    rf"|\b(?:better|faster|stronger) than (?:the )?{NAME}"
    rf"|\b(?:beaten|outperformed|surpassed) by (?:\w+ )*{NAME}"
    rf"|not beaten by any other arm"
    rf"|\bbest (?:arm|optimizer)\b"
    rf"|\bwinner(?: is|:) {NAME}",
    re.IGNORECASE,
)
DENIED = re.compile(r"this does not say that (?:sgd|adam) is better")
"""The one sentence in which an arm may be called so."""


def said_of_arms(text: str) -> list[str]:
    """Sentences by which an arm is called better than another."""
    plain = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", text)))
    found = SAYS_OF_ARMS.finditer(DENIED.sub("", plain))
    return [f"...{match.string[: match.end()][-100:]}" for match in found]


@dataclass(frozen=True)
class Study:
    claim: str
    home: Home
    texts: Mapping[str, str]
    """Everything that it says, by where."""
    comparison: Mapping[str, Any]


@pytest.fixture(scope="module", params=list(DESIGNS))
def study(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, make_home: MakeHome
) -> Study:
    """A study whose arms differ as clearly as two can, run and read by every command."""
    folder = tmp_path_factory.mktemp("claims")
    home = make_home(folder / "home")
    file = folder / "once.yaml"
    file.write_text(ONCE + DESIGNS[request.param])
    report = folder / "report"
    at = ["--home", str(home.path)]
    argvs = {
        "check": ["check", str(file)],
        "run": ["run", str(file), *at, "--workers", "1"],
        "run --json": ["run", str(file), *at, "--json"],
        "compare": ["compare", "once", *at],
        "compare --metric": ["compare", "once", *at, "--metric", "val/accuracy"],
        "compare --json": ["compare", "once", *at, "--json"],
        "status": ["status", *at],
        "status of it": ["status", "once", *at],
        "best": ["best", "once", *at],
        "promote": ["promote", "once", *at],
        "report": ["report", "once", *at, "--output", f"{report}.html"],
        "report md": ["report", "once", *at, "--format", "md", "--output", f"{report}.md"],
    }
    texts = {}
    for name, argv in argvs.items():
        with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
            assert main(argv) == 0, name
        texts[name] = err.getvalue() + out.getvalue()
    for form in ("html", "md"):
        texts[f"report.{form}"] = Path(f"{report}.{form}").read_text()
    runs = Runs.of(home, "once")
    for run in (runs.parent, *runs.children):
        for tag, value in run.data.tags.items():
            texts[f"MLflow {run.info.run_name} {tag}"] = value
    client = MlflowClient(home.mlflow_uri)
    version = client.get_model_version_by_alias("once", "champion")
    texts |= {f"promoted {tag}": value for tag, value in version.tags.items()}
    comparison = json.loads(texts["compare --json"].splitlines()[-1])
    return Study(request.param, home, texts, comparison)


@pytest.mark.parametrize(
    "sentence",
    [
        "adam beats sgd by 3 points",
        "adam is clearly better than sgd",
        "better than sgd",
        "not beaten by any other arm: adam",
        "the winner is adam",
        "sgd is outperformed by adam",
        "<b>adam</b> leads",
        "the best optimizer",
    ],
)
def test_such_a_sentence_would_be_found(sentence: str) -> None:
    assert said_of_arms(sentence)


def test_a_sentence_about_configurations_is_none_about_arms() -> None:
    assert not said_of_arms(
        "the configuration found for adam beats the one found for sgd by 3.1 % (one split). One "
        "search per arm: this does not say that adam is better"
    )


def test_it_speaks_everywhere(study: Study) -> None:
    quiet = {"MLflow", "promoted"}
    for where, text in study.texts.items():
        assert text.strip() or where.split()[0] in quiet, where
    for where in ("run", "compare", "report.html", "report.md"):
        assert "adam" in study.texts[where] and "sgd" in study.texts[where]
    assert any(where.endswith("mlflow.note.content") for where in study.texts)
    assert any(where.endswith("fairtune.verdict") for where in study.texts)


def test_nowhere_an_arm_is_called_better(study: Study) -> None:
    found = {where: said for where, text in study.texts.items() if (said := said_of_arms(text))}
    assert found == {}


def test_what_it_says_instead_follows_from_its_claim(study: Study) -> None:
    (pair,) = study.comparison["pairs"]
    verdicts = study.comparison["summary"]
    if study.claim == "configurations":
        assert pair["verdict"] in ("a", "b")
        assert verdicts[0].startswith(
            "the configuration found for adam beats the one found for sgd by "
        )
        assert verdicts[0].endswith("One search per arm: this does not say that adam is better")
    else:
        assert pair["verdict"] == "none"
        assert verdicts[0] == (
            "no verdict: one search of each arm cannot say which arm is better: add 3 repeats or "
            "more (search.repeats: 4 at least)"
        )
