"""The product reaches into no private part of the libraries below it."""

import ast
import re
from collections.abc import Iterator

from tests.support.checkout import ROOT

PACKAGES = ("lightning_modules", "studies", "dashboard", "fairtune")
LIBRARIES = (
    "optuna", "mlflow", "sqlalchemy", "alembic", "pytorch_lightning", "lightning_fabric", "torch",
    "torchvision",
)  # fmt: skip
ADAPTERS = (
    "lightning_modules/lightning_internals.py",
    "studies/mirrors/mlflow/places.py",
    "studies/servers/mlflow_ui.py",
)
"""One file for each library of which a private name or a table is used; tests say what a version
changed. MLflow's API has no way to say that the artifacts of a run are in another place now, and
its server has none to be started behind a gate."""
NAMED_TUPLES = ("_asdict", "_fields", "_make", "_replace")
"""Public in spite of their underscore."""
BY_TEXT = ("getattr", "setattr", "hasattr", "delattr", "attrgetter", "operator.attrgetter")
"""What takes the name of an attribute as a text."""
TABLES = re.compile(
    r"\b(?:from|join|into|update)\s+(?:trial_values|trial_params|trial_user_attributes|"
    r"trial_system_attributes|trial_intermediate_values|study_user_attributes|"
    r"study_system_attributes|study_directions|alembic_version|runs|metrics|latest_metrics|params|"
    r"experiments|experiment_tags|logged_models)\b",
    re.IGNORECASE,
)
"""Statements on tables of Optuna's and MLflow's databases."""


def private_imports(tree: ast.AST) -> Iterator[str]:
    """Private modules and names that are imported from a library."""
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            library, *parts = name.split(".")
            if library in LIBRARIES and any(part.startswith("_") for part in parts):
                yield name


def private_members(tree: ast.AST) -> Iterator[str]:
    """Private attributes of something that is not the class's own."""
    own = {
        node.attr if isinstance(node, ast.Attribute) else node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        or (isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store))
    }
    own |= {
        node.target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and re.fullmatch(r"_[A-Za-z]\w*", node.attr)
            and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls", "os"))
            and node.attr not in (*own, *NAMED_TUPLES)
        ):
            yield ast.unparse(node)
        elif isinstance(node, ast.Compare):  # name == "_hook", as in __setattr__
            yield from private_texts(node.left, *node.comparators)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in BY_TEXT:
            yield from private_texts(*node.args)


def private_texts(*nodes: ast.expr) -> Iterator[str]:
    """Texts that are private names."""
    for node in nodes:
        if isinstance(node, ast.Constant) and re.fullmatch(r"_[a-z]\w+", str(node.value)):
            yield repr(node.value)


def private_names(text: str) -> list[str]:
    """Every private name of a library that the text of a file uses, as far as its syntax tells."""
    tree = ast.parse(text)
    names = list(private_imports(tree))
    if set(LIBRARIES) & set(re.findall(r"\w+", text)):
        names += [*private_members(tree), *TABLES.findall(text)]
    return names


def test_no_private_name_of_a_library_is_used_but_in_its_adapter() -> None:
    found: dict[str, list[str]] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if names := private_names(path.read_text()):
                found[path.relative_to(ROOT).as_posix()] = names
    assert found.keys() == set(ADAPTERS), found


def test_private_names_are_found_where_there_are_some() -> None:
    text = "from optuna.storages._rdb import models\nimport mlflow\nstudy._storage.get(trial._id)\n"
    tree = ast.parse(text)
    assert list(private_imports(tree)) == ["optuna.storages._rdb.models"]
    assert set(private_members(tree)) == {"study._storage", "trial._id"}
    assert TABLES.findall("SELECT value FROM trial_values") != []
    text = (
        "import torch\ngetattr(loop, '_fetcher')\nrow._fields\noptimizer._step()\n"
        "name == '_hook'\nname.endswith('_path')\nsettings._MODE.get()\n"
    )
    assert set(private_names(text)) == {
        "'_fetcher'",
        "'_hook'",
        "optimizer._step",
        "settings._MODE",
    }
