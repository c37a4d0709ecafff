"""Nothing from a file, a record or a storage is unpickled: every call that could is listed here."""

import ast
from collections.abc import Iterator

import pytest

from tests.support.checkout import ROOT

PACKAGES = ("fairtune", "lightning_modules", "studies", "dashboard")
LOADERS = {"pickle", "_pickle", "dill", "joblib", "cloudpickle", "marshal", "shelve"}
"""Modules whose `load` and `loads` run what a file says."""
METHODS = {"read_pickle", "unsafe_load", "full_load", "load_pickle", "Unpickler", "HDFStore"}
ADMITTED = {
    ("studies/engines/function.py", "cloudpickle.loads(self.pickled)"),  # our own process's pipe
    # from the driver, through a cluster that Ray lets nobody else into
    ("studies/engines/ray/actor.py", "pickle.loads(perform)"),
    ("studies/engines/ray/actor.py", "pickle.loads(rest)"),
}


def unsafe(tree: ast.AST) -> Iterator[str]:
    """The calls and imports that could run what a file holds."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in LOADERS:
            yield ast.unparse(node)
        if not isinstance(node, ast.Call):
            continue
        name, options = ast.unparse(node.func), {each.arg: each.value for each in node.keywords}
        owner, _, last = name.rpartition(".")
        if (owner in LOADERS and last in ("load", "loads", "open")) or last in METHODS:
            yield ast.unparse(node)
        if name in ("np.load", "numpy.load", "np.fromfile") and not is_set(options, False):
            yield ast.unparse(node)
        if name == "torch.load" and not is_set(options, True):
            yield ast.unparse(node)
        reads_yaml = name in ("YAML", "yaml.load", "yaml.load_all")
        if reads_yaml and getattr(options.get("typ"), "value", None) != "safe":
            yield ast.unparse(node)
        if name in ("eval", "exec", "CmaEsSampler"):
            yield ast.unparse(node)


def is_set(options: dict[str | None, ast.expr], wanted: bool) -> bool:
    """Whether the one safe option is said, as a constant."""
    said = options.get("weights_only" if wanted else "allow_pickle")
    return isinstance(said, ast.Constant) and said.value is wanted


def test_nothing_that_is_read_is_run() -> None:
    found = {
        (str(path.relative_to(ROOT)), call)
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for call in unsafe(ast.parse(path.read_text()))
    }
    assert found == ADMITTED


@pytest.mark.parametrize(
    "call",
    [
        "pickle.loads(x)", "joblib.load(x)", "np.load(x)", "np.load(x, allow_pickle=True)",
        "torch.load(x)", "torch.load(x, weights_only=False)", "pd.read_pickle(x)",
        "shelve.open(x)", "yaml.load(x)", "YAML()", "YAML(typ='unsafe')", "eval(x)",
        "from pickle import loads", "CmaEsSampler(seed=1)", "pickle.Unpickler(x)",
    ],
)  # fmt: skip
def test_a_new_one_is_found(call: str) -> None:
    assert list(unsafe(ast.parse(call))) == [call]
