"""Parts of a training configuration that are right alone but do not fit each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lightning_modules.components import Component, Dataset, Loss, Network, article, switched_on
from lightning_modules.configuration.sections import name_of, names_its_metrics, user_key
from lightning_modules.data.augmentation.table import AUGMENTATIONS
from lightning_modules.errors import Problem, shown
from lightning_modules.optimization import LOSSES, regularizers


def fit_problems(tree: Mapping[str, Any], rows: Mapping[str, Component]) -> Iterator[Problem]:
    """Parts that are right alone but do not fit each other."""
    data, model = rows.get("data"), rows.get("model")
    if isinstance(model, Network):
        name = name_of(tree["model"])
        kind = _kind(tree["data"], data) if isinstance(data, Dataset) else None
        if kind is not None and kind not in model.kinds:
            reads = " or ".join(f"{kind}s" for kind in model.kinds)
            message = f"{name} reads {reads}, but {name_of(tree['data'])} is {article(kind)}"
            yield Problem(("model",), message)
        yield from _network_problems(tree, model, data)
        for key in ("dropout", "batch_norm"):
            if _on(tree, key) and key not in model.parameters:
                yield Problem(("regularization", key), f"{name} has no {key}")
            elif _on(tree, key):
                yield from _twice(tree, key, "model")
    if _on(tree, "weight_decay"):
        yield from _twice(tree, "weight_decay", "optimizer")
    if isinstance(data, Dataset):
        yield from _data_problems(tree["data"], data)
        yield from _augmentation_problems(tree["data"], data)
        yield from _loss_problems(tree, data, rows.get("loss"))
    yield from _user_fit_problems(tree, rows)


def _kind(node: Any, row: Dataset) -> str:
    return row.kind_of(node if isinstance(node, Mapping) else {})


def _network_problems(
    tree: Mapping[str, Any], row: Network, data: Component | None
) -> Iterator[Problem]:
    """Parameters of the network that do not go together, or not with the data."""
    node, given = tree["model"], tree.get("data")
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
    if row.reads_tokens and values.get("tokenizer") == "words":
        text = f"must be the folder of the tokenizer that the weights of {node['name']} know"
        yield Problem(("data", "tokenizer"), text)


def _user_fit_problems(tree: Mapping[str, Any], rows: Mapping[str, Component]) -> Iterator[Problem]:
    """What the user's own parts need said that tables know of theirs."""
    users = user_key(tree.get("model"))
    if users is None and user_key(tree.get("data")) and tree.get("loss") is None:
        text = "is missing: name one, since only the class of data.class knows its task"
        yield Problem(("loss",), text)
    if users == "class" and tree.get("optimizer") is None:
        for key in ("loss", "schedule", "regularization"):
            if tree.get(key):
                text = "needs an optimizer beside it: a module that brings its own brings it all"
                yield Problem((key,), text)
        if _balance(tree) == "weights":
            text = "weights do not reach the loss of a module of your own; balance by sampling"
            yield Problem(("data", "balance"), text)
        for name in _augmentations(tree.get("data")):
            if name in AUGMENTATIONS and AUGMENTATIONS[name].mixes:
                text = "mixes targets, which the loss of a module of your own may not take"
                yield Problem(("data", "augment", name), text)
    objective = tree.get("objective")
    given = objective if isinstance(objective, Mapping) else {}
    free = names_its_metrics(tree)
    if free and not given.get("metric"):
        yield Problem(("objective", "metric"), "is missing: name what the training reports")
    if free and given.get("metric") and not given.get("goal"):
        yield Problem(("objective", "goal"), "is missing: maximize or minimize")


def _on(tree: Mapping[str, Any], key: str) -> bool:
    node = tree.get("regularization")
    return isinstance(node, Mapping) and key in regularizers(node)


def _twice(tree: Mapping[str, Any], key: str, section: str) -> Iterator[Problem]:
    """A regularizer that another section has as a parameter may stand in one place only."""
    node = tree.get(section)
    if isinstance(node, Mapping) and node.get(key):
        message = f"is given twice, here and in {section}.{key}; keep one"
        yield Problem(("regularization", key), message)


def _data_problems(node: Any, row: Component) -> Iterator[Problem]:
    if not isinstance(node, Mapping):
        return
    classes = node.get("classes")
    if "classes" in row.parameters and isinstance(classes, list) and len(classes) < 2:
        yield Problem(("data", "classes"), f"must name at least two classes, got {shown(classes)}")
    parts = [name for name in ("validation", "test") if name in row.parameters]
    shares = [node.get(name, row.parameters[name].default) or 0.0 for name in parts]
    if all(isinstance(share, int | float) for share in shares) and sum(shares) >= 1:
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
    tree: Mapping[str, Any], data: Dataset, loss: Component | None
) -> Iterator[Problem]:
    node, name = tree["data"], name_of(tree["data"])
    given = node if isinstance(node, Mapping) else {}
    task, kept = data.task_of(given), given.get("classes")
    outputs = len(kept) if isinstance(kept, list) else data.outputs
    if isinstance(loss, Loss) and task not in loss.tasks:
        message = f"{name_of(tree['loss'])} does not fit {task}; choose one of " + ", ".join(
            name for name, row in LOSSES.items() if task in row.tasks
        )
        yield Problem(("loss",), message)
    elif loss is LOSSES["binary_cross_entropy"] and outputs not in (0, 2):
        message = f"binary_cross_entropy needs two classes, but {name} has {outputs}"
        yield Problem(("loss",), message)
    if task == "regression" and _on(tree, "label_smoothing"):
        message = f"smooths classes, but {name} is a regression"
        yield Problem(("regularization", "label_smoothing"), message)
    if task == "regression" and _balance(tree) != "none":
        yield Problem(("data", "balance"), f"balances classes, but {name} is a regression")


def _balance(tree: Mapping[str, Any]) -> Any:
    node = tree.get("data")
    return node.get("balance", "none") if isinstance(node, Mapping) else "none"
