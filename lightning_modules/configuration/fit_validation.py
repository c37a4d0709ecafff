"""Parts of a training configuration that are right alone but do not fit each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lightning_modules.components import (
    Component,
    Dataset,
    Loss,
    Network,
    article,
    switched_on,
    user_key,
)
from lightning_modules.configuration.sections import name_of
from lightning_modules.data.augmentation.table import AUGMENTATIONS
from lightning_modules.errors import Problem, shown
from lightning_modules.optimization import LOSSES, regularizers
from lightning_modules.optimization.losses import DEFAULT_LOSS


def fit_problems(
    data: Any, model: Any, loss: Any, regularization: Any, rows: Mapping[str, Component]
) -> Iterator[Problem]:
    """What is wrong between sections that are right alone; `rows` are the components that they
    name."""
    data_row, model_row = rows.get("data"), rows.get("model")
    if isinstance(model_row, Network):
        name = name_of(model)
        kind = _kind(data, data_row) if isinstance(data_row, Dataset) else None
        if kind is not None and kind not in model_row.kinds:
            reads = " or ".join(f"{kind}s" for kind in model_row.kinds)
            message = f"{name} reads {reads}, but {name_of(data)} is {article(kind)}"
            if kind == "sequence" and "signal" in model_row.kinds:
                message += "; where all series have one length, write data.kind: signal"
            yield Problem(("model",), message)
        yield from _network_problems(model, model_row, data, data_row)
        for key in ("dropout", "batch_norm"):
            if is_on(regularization, key) and key not in model_row.parameters:
                yield Problem(("regularization", key), f"{name} has no {key}")
            elif is_on(regularization, key) and isinstance(model, Mapping) and model.get(key):
                yield given_twice(key, "model")
    if isinstance(data_row, Dataset):
        yield from _data_problems(data, data_row)
        yield from _augmentation_problems(data, data_row)
        yield from _loss_problems(data, loss, regularization, data_row, rows.get("loss"))
    if user_key(model) is None and user_key(data) and loss is None:
        text = "is missing: name one, since only the class of data.class knows its task"
        yield Problem(("loss",), text)
    if user_key(loss) is not None:
        yield from _user_loss_problems(data, loss, regularization, data_row)


def module_problems(given: Iterable[str], data: Any) -> Iterator[Problem]:
    """What a module of the user's with an optimizer of its own does not take: of the sections
    that are `given`, and of the data."""
    for key in given:
        text = "needs an optimizer beside it: a module that brings its own brings it all"
        yield Problem((key,), text)
    yield from _unweighted_problems(data, "the loss of a module of your own")


def _user_loss_problems(
    data: Any, loss: Mapping[str, Any], regularization: Any, row: Component | None
) -> Iterator[Problem]:
    """What a loss of the user's does not go with; the task is its own where the data has none."""
    task = loss.get("task")
    if task is None and not isinstance(row, Dataset) and user_key(data):
        text = "is missing: classification or regression, which data.class alone would know"
        yield Problem(("loss", "task"), text)
    elif task is not None and task not in DEFAULT_LOSS:
        yield Problem(("loss", "task"), f"must be classification or regression, got {shown(task)}")
    elif task is not None and isinstance(row, Dataset) and user_key(data) is None:
        of_data = row.task_of(data if isinstance(data, Mapping) else {})
        if task != of_data:
            text = f"is {task}, but {name_of(data)} is {article(of_data)}; leave it out"
            yield Problem(("loss", "task"), text)
    if is_on(regularization, "label_smoothing"):
        text = "does not reach a loss of your own, which gets outputs and targets; smooth inside"
        yield Problem(("regularization", "label_smoothing"), text)
    yield from _unweighted_problems(data, "a loss of your own")


def _unweighted_problems(data: Any, what: str) -> Iterator[Problem]:
    """What the data section asks of a loss that is not fairtune's."""
    if _balance(data) == "weights":
        text = f"weights do not reach {what}; balance by sampling"
        yield Problem(("data", "balance"), text)
    for name in _augmentations(data):
        if name in AUGMENTATIONS and AUGMENTATIONS[name].mixes:
            text = f"mixes targets, which {what} may not take"
            yield Problem(("data", "augment", name), text)


def is_on(regularization: Any, key: str) -> bool:
    """Whether a regularizer is switched on."""
    return isinstance(regularization, Mapping) and key in regularizers(regularization)


def given_twice(key: str, section: str) -> Problem:
    """A regularizer that another section has as a parameter may stand in one place only."""
    message = f"is given twice, here and in {section}.{key}; keep one"
    return Problem(("regularization", key), message)


def _kind(node: Any, row: Dataset) -> str:
    return row.kind_of(node if isinstance(node, Mapping) else {})


def _network_problems(
    node: Any, row: Network, given: Any, data: Component | None
) -> Iterator[Problem]:
    """Parameters of the network that do not go together, or not with the data."""
    if row.reads_tokens and isinstance(given, Mapping) and given.get("embedding_size"):
        text = f"{name_of(node)} embeds tokens by itself; leave it out"
        yield Problem(("data", "embedding_size"), text)
    if not isinstance(node, Mapping):
        return
    for key, text in row.conflicts(node) if row.conflicts else ():
        yield Problem(("model", key), text)
    if data is None:
        return
    values = {**data.defaults(), **(given if isinstance(given, Mapping) else {})}
    if node.get("normalize") == "imagenet" and values.get("standardize") is True:
        text = "is for images as they are; write data.standardize: false, or leave it out"
        yield Problem(("model", "normalize"), text)
    elif node.get("normalize") == "imagenet" and isinstance(data, Dataset) and data.check is None:
        text = f"is for values from 0 to 1, and {name_of(given)} has others; leave it out"
        yield Problem(("model", "normalize"), text)
    if values.get("color") == "rgba" and "normalize" in row.parameters:
        text = f"must be rgb or gray: {name_of(node)} reads images of 1 or 3 channels"
        yield Problem(("data", "color"), text)
    if row.reads_tokens and values.get("tokenizer") in ("words", "characters"):
        text = f"must be the folder of the tokenizer that the weights of {node['name']} know"
        yield Problem(("data", "tokenizer"), text)


def _data_problems(node: Any, row: Component) -> Iterator[Problem]:
    if not isinstance(node, Mapping):
        return
    if node.get("label_separator") and "label_separator" in row.parameters:
        if node.get("task") != "multilabel":
            text = "parts the labels of a row, of which only task: multilabel has several"
            yield Problem(("data", "label_separator"), text)
        target = node.get("target")
        if isinstance(target, list) and len(target) > 1:
            text = f"parts the labels in a single column, and data.target names {len(target)}"
            yield Problem(("data", "label_separator"), text)
    classes = node.get("classes")
    if "classes" in row.parameters and isinstance(classes, list) and len(classes) < 2:
        yield Problem(("data", "classes"), f"must name at least two classes, got {shown(classes)}")
    parts = [name for name in ("validation", "test") if name in row.parameters]
    shares = [node.get(name, row.parameters[name].default) or 0.0 for name in parts]
    # a share that is wrong by itself is told once
    if all(isinstance(share, int | float) and 0 <= share < 1 for share in shares) and (
        sum(shares) >= 1
    ):
        message = f"validation and test take {sum(shares):g} of the rows; nothing is left to learn"
        yield Problem(("data", "validation" if "validation" in node else "test"), message)


def _augmentations(node: Any) -> Iterable[str]:
    """The augmentations that a data section switches on."""
    given = node.get("augment") if isinstance(node, Mapping) else None
    return switched_on(AUGMENTATIONS, given) if isinstance(given, Mapping) else ()


def _augmentation_problems(node: Any, data: Dataset) -> Iterator[Problem]:
    if "augment" not in data.parameters or not isinstance(node, Mapping):
        return
    kind = data.kind_of(node)
    for name in _augmentations(node):
        row = AUGMENTATIONS.get(name)
        if row is not None and kind not in row.kinds:
            changes = " and ".join(f"{kind}s" for kind in row.kinds)
            message = f"{name} changes {changes}, but {name_of(node)} is {article(kind)}"
            yield Problem(("data", "augment", name), message)


def _loss_problems(
    node: Any, loss: Any, regularization: Any, data: Dataset, row: Component | None
) -> Iterator[Problem]:
    name = name_of(node)
    given = node if isinstance(node, Mapping) else {}
    task, kept = data.task_of(given), given.get("classes")
    outputs = len(kept) if isinstance(kept, list) else data.outputs
    if isinstance(row, Loss) and task not in row.tasks:
        message = f"{name_of(loss)} does not fit {task}; choose one of " + ", ".join(
            name for name, row in LOSSES.items() if task in row.tasks
        )
        yield Problem(("loss",), message)
    elif row is LOSSES["binary_cross_entropy"] and task != "multilabel" and outputs not in (0, 2):
        message = f"binary_cross_entropy needs two classes, but {name} has {outputs}"
        yield Problem(("loss",), message)
    if task == "classification":
        return
    is_called = f"{name} is a regression" if task == "regression" else f"{name} has several labels"
    if is_on(regularization, "label_smoothing"):
        message = f"smooths classes, but {is_called}"
        yield Problem(("regularization", "label_smoothing"), message)
    if _balance(node) != "none":
        yield Problem(("data", "balance"), f"balances classes, but {is_called}")
    if task == "regression" and given.get("rare_classes", "error") != "error":
        yield Problem(("data", "rare_classes"), f"leaves out classes, but {is_called}")
    for key in _augmentations(node) if task == "multilabel" else ():
        if key in AUGMENTATIONS and AUGMENTATIONS[key].mixes:
            yield Problem(("data", "augment", key), f"mixes classes, but {is_called}")


def _balance(node: Any) -> Any:
    return node.get("balance", "none") if isinstance(node, Mapping) else "none"
