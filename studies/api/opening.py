"""What every way into fairtune begins with: a home, a study file, a console."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning_modules.user_code import imports
from studies.study_file.presets import find_preset, preset_names

if TYPE_CHECKING:
    from rich.console import Console

    from studies.home import Home
    from studies.inputs.consent import Consent
    from studies.study_file import Spec
    from studies.study_file.document import Document


def home_at(path: Path | None) -> Home:
    """The home at `path`, or the default one, as it is."""
    from studies.home import Home
    from studies.home.home import DEFAULT_HOME

    return Home.at(path or Path(DEFAULT_HOME))


def open_home(path: Path | None) -> Home:
    """The home at `path`, or the default one; studies that an earlier version has run there are
    imported, which standard error says."""
    from studies.home import earlier_studies, without_secrets

    home = home_at(path)
    if earlier_studies(home):
        from studies.maintenance.importing.earlier_home import import_earlier

        done = import_earlier(home)
        for failure in done.failures:
            print(f"fairtune: {without_secrets(failure)}", file=sys.stderr)
        if done.imported:
            text = f"home {home.path} is of an earlier version: imported "
            text += f"{len(done.imported)} {'study' if len(done.imported) == 1 else 'studies'}"
            if done.copy is not None:
                text += f"; the copy of its Optuna database is {done.copy}"
            print(f"fairtune: {text}", file=sys.stderr)
    return home


def find_document(file: Path, home: Home) -> tuple[Document, bool]:
    """The study file at `file`, the preset of that name, or the file that the home has kept of the
    study of that name, and whether it is the latter."""
    from studies import results
    from studies.study_file import document

    name = str(file)
    there = os.path.exists(file)  # which takes any name, too long ones too
    if there or name in preset_names():
        return document.read(file if there else find_preset(name)), False
    if results.exists(home) and name in results.names(home):
        kept = results.load_results(home, name).spec
        return document.parse(kept.text, f"the stored file of {name}"), True
    return document.read(find_preset(name)), False


def load_spec(
    file: Path,
    overrides: Sequence[str],
    allow: Sequence[str],
    home: Home,
    consent: Consent | None = None,
) -> Spec:
    """The study that a file, a preset or a study of the home describes; `allow` names modules of
    its own. With `consent`, it is to be run: what the home alone names is asked for, or said."""
    from studies.inputs.number_kinds import mark_floats
    from studies.study_file import resolve

    imports.allow(allow)
    source, recorded = find_document(file, home)
    spec = resolve(source, overrides, recorded=recorded, prepare=mark_floats)
    if recorded and consent is not None:
        from studies.inputs.consent import say_paths

        consent.require(spec.study, spec.configurations)
        say_paths(spec.study, spec.configurations, home)
    return spec


def spec_of(tree: Mapping[str, Any], overrides: Sequence[str], allow: Sequence[str]) -> Spec:
    """The study that a dictionary describes; UserError with every mistake at once."""
    from studies.inputs.number_kinds import mark_floats
    from studies.study_file import document, resolve

    imports.allow(allow)
    return resolve(document.from_tree(tree), overrides, prepare=mark_floats)


def console(*, stderr: bool = False) -> Console:
    """Where a person reads: standard error where JSON has standard output."""
    from rich.console import Console

    tty = (sys.stderr if stderr else sys.stdout).isatty()
    # user text such as `[red]` is shown as it is; a file has room for tables
    return Console(
        stderr=stderr,
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=not tty,
        width=None if tty else 120,
    )
