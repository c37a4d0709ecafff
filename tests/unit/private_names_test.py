"""The product reaches into no private part of the libraries below it."""

import ast
import re
from collections.abc import Iterator

from tests.support.checkout import ROOT

PACKAGES = ("lightning_modules", "studies", "dashboard")
LIBRARIES = ("optuna", "mlflow", "sqlalchemy", "alembic")
TABLES = re.compile(
    r"\b(?:from|join|into|update)\s+(?:trial_values|trial_params|trial_user_attributes|"
    r"trial_system_attributes|trial_intermediate_values|study_user_attributes|"
    r"study_system_attributes|study_directions|alembic_version|runs|metrics|latest_metrics|params|"
    r"experiments|experiment_tags|logged_models)\b",
    re.IGNORECASE,
)
"""Statements on tables of Optuna's and MLflow's databases."""
MAY_READ_TABLES = "studies/mirrors/mlflow/places.py"
"""MLflow's API gives a home that was moved or copied no way to name other places of artifacts."""


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
            and re.fullmatch(r"_[a-z]\w*", node.attr)
            and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls", "os"))
            and node.attr not in own
        ):
            yield ast.unparse(node)


def test_no_private_name_of_a_library_is_used() -> None:
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            text = path.read_text()
            tree = ast.parse(text)
            names = list(private_imports(tree))
            if {"optuna", "mlflow"} & set(re.findall(r"\w+", text)):
                names += private_members(tree)
                if str(path.relative_to(ROOT)) != MAY_READ_TABLES:
                    names += TABLES.findall(text)
            found += [f"{path.relative_to(ROOT)}: {name}" for name in names]
    assert found == []


def test_private_names_are_found_where_there_are_some() -> None:
    text = "from optuna.storages._rdb import models\nimport mlflow\nstudy._storage.get(trial._id)\n"
    tree = ast.parse(text)
    assert list(private_imports(tree)) == ["optuna.storages._rdb.models"]
    assert set(private_members(tree)) == {"study._storage", "trial._id"}
    assert TABLES.findall("SELECT value FROM trial_values") != []
