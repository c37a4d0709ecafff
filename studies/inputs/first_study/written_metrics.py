"""Where the metrics of a script are found, as far as its text tells."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from studies.inputs.first_study.arguments import called, calls, plain
from studies.program import metric_name

LOGGERS = ("wandb", "trackio", "mlflow")
PRINTS = ("print", "info", "debug", "warning", "write", "echo", "log")
SMALL = ("loss", "err", "rmse", "mae", "mse", "perplexity", "ppl", "nll")
"""Words of metrics of which less is better."""
MEASURES = (
    *SMALL,
    "acc",
    "f1",
    "auc",
    "auroc",
    "precision",
    "recall",
    "r2",
    "score",
    "bleu",
    "map",
)
HELD_OUT = ("val", "valid", "validation", "eval", "dev", "test", "heldout")
FIELD = re.compile(r"%[-+ #0]*[\d*]*(?:\.[\d*]+)?[diufFeEgGs]|\{[^{}]*\}")
"""Where a value stands in a text that is formatted."""
LABEL = re.compile(r"[A-Za-z][\w ./@-]{0,30}[^\w\n]{0,4}$")
"""What stands before a value: a name and perhaps `: `."""


@dataclass(frozen=True)
class FoundMetrics:
    """How the metrics of a script are read."""

    objective: str
    """Empty where nothing was found."""
    goal: str
    said: str
    """A sentence for the file."""
    source: dict[str, Any]
    """The section `metrics`; empty where the script reports itself."""


def metrics_in(script: ast.Module) -> FoundMetrics:
    """The metrics that a script reports, logs or prints."""
    imported = _imported(script)
    found = list(calls(script))
    if {"fairtune", "studies"} & imported:
        named = [name for call in found if called(call) == "report" for name in _reported(call)]
        if named:
            return _found(_best(named), "The script reports it itself.", {})
    for package in LOGGERS:
        logged = [name for call in found for name in _logged(call)] if package in imported else []
        names = {metric_name(name): name for name in logged}
        if objective := _best(list(names)):
            said = f"Read from what the script gives to {package}."
            if objective.startswith(("val/", "train/")):
                return _found(objective, said, {"from": package})
            renamed = f"val/{objective.rpartition('/')[2]}"
            source = {"from": package, "names": {renamed: names[objective]}}
            return _found(renamed, said, source)
    return _printed(found)


def _printed(found: Sequence[ast.Call]) -> FoundMetrics:
    labels = [each for call in found if called(call) in PRINTS for each in _labels(call)]
    patterns: dict[str, str] = {}
    held_out = any(is_held_out for _, is_held_out in labels)
    for label, is_held_out in labels:
        words = _words(label)
        if words & {"epoch", "epochs", "ep"}:
            patterns.setdefault("epoch", _pattern(label, r"(\d+)"))
        elif any(word.startswith(MEASURES) for word in words):
            name = _measure(words)
            part = "val" if is_held_out or not (held_out or "train" in words) else "train"
            patterns.setdefault(f"{part}/{name}", _pattern(label, r"([\d.]+)"))
    objective = _best([name for name in patterns if name != "epoch"])
    if not objective:
        return _found("", "", {})
    said = "Read from what the script prints, by a regular expression for each number."
    return _found(objective, said, {"from": "log", "patterns": patterns})


def _found(objective: str, said: str, source: dict[str, Any]) -> FoundMetrics:
    small = any(word.startswith(SMALL) for word in _words(objective))
    return FoundMetrics(objective, "minimize" if small else "maximize", said, source)


def _best(names: Sequence[str]) -> str:
    """The metric that chooses: of held-out rows, no loss where there is another; empty where no
    name is a measure."""
    measures = [n for n in names if any(word.startswith(MEASURES) for word in _words(n))]
    ranked = sorted(
        measures,
        key=lambda n: (
            not _words(n) & {*HELD_OUT},
            "test" in _words(n),
            any(word.startswith(SMALL) for word in _words(n)),
        ),
    )
    return ranked[0] if ranked else ""


def _reported(call: ast.Call) -> Iterator[str]:
    yield from (metric_name(each.arg) for each in call.keywords if each.arg)
    yield from (name for argument in call.args for name in _keys(argument))


def _logged(call: ast.Call) -> Iterator[str]:
    if called(call) in ("log", "log_metrics"):
        yield from (name for argument in call.args[:1] for name in _keys(argument))
    elif called(call) == "log_metric" and call.args:
        name = plain(call.args[0])
        yield from [name] if isinstance(name, str) else []


def _keys(node: ast.expr) -> list[str]:
    if not isinstance(node, ast.Dict):
        return []
    return [name for name in map(plain, node.keys) if isinstance(name, str)]


def _labels(call: ast.Call) -> Iterator[tuple[str, bool]]:
    """What stands before each value that a call prints, and whether that is of held-out rows."""
    pieces = [piece for argument in call.args for piece in (*_pieces(argument), " ")]
    whole = _words(" ".join(piece for piece in pieces if piece))
    for place, value in enumerate(pieces[1:], start=1):
        before = "".join(piece or "" for piece in pieces[max(0, place - 2) : place])
        match = LABEL.search(before)
        if value is None and match is not None and pieces[place - 1]:
            words = _words(match[0])
            told = words if words & {*HELD_OUT, "train"} else whole
            yield match[0], bool(told & {*HELD_OUT}) and "train" not in told


def _pieces(node: ast.expr) -> list[str | None]:
    """A text in pieces, None for each value in it, what touches joined."""
    if isinstance(node, ast.JoinedStr):
        parts = [plain(each) if isinstance(each, ast.Constant) else None for each in node.values]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        parts = _fields(plain(node.func.value)) if node.func.attr == "format" else [None]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        parts = _fields(plain(node.left))
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [*_pieces(node.left), *_pieces(node.right)]
    else:
        value = plain(node)
        parts = [value if isinstance(value, str) else None]
    return parts


def _fields(text: Any) -> list[str | None]:
    if not isinstance(text, str):
        return [None]
    pieces: list[str | None] = []
    for piece in FIELD.split(text):
        pieces += [piece, None]
    return pieces[:-1]


def _words(text: str) -> set[str]:
    return {word for word in re.split(r"[^a-z0-9]+", text.lower()) if word}


def _measure(words: set[str]) -> str:
    """The usual name of a measure, `accuracy` of `acc`."""
    found = next(word for word in sorted(words) if word.startswith(MEASURES))
    return "accuracy" if found.startswith("acc") else found


def _pattern(label: str, group: str) -> str:
    words = re.escape(label.strip()).replace(r"\ ", " +")
    return rf"\b{words} *{group}"


def _imported(script: ast.Module) -> set[str]:
    """The packages that are imported anywhere."""
    found = set()
    for node in ast.walk(script):
        if isinstance(node, ast.Import):
            found |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found
