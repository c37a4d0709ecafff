"""The command `fairtune`: one file per command, nothing heavy imported before it is needed."""

from __future__ import annotations

import atexit
import os
import sys
import traceback
from collections.abc import Sequence
from types import TracebackType

import typer

from lightning_modules.errors import FairtuneError, visible
from studies.cli import run
from studies.cli.homes import delete, doctor, import_, note, rename, reset, sync, tag
from studies.cli.models import predict, promote, reproduce
from studies.cli.results import best, compare, report, status
from studies.cli.servers import dashboard, ui
from studies.cli.study_files import check, components, data, init, schema
from studies.home.secrets import without_secrets

app = typer.Typer(
    name="fairtune",
    help="Tune neural networks; say which optimizer, schedule or architecture is really better.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 done · 1 unexpected error · 2 bad usage or study file · 3 no trial "
    "completed · 4 storage or tracking unusable · 5 the study is being run by someone else · "
    "6 not reproduced · 130 Ctrl-C · 143 SIGTERM.",
)
app.command("init")(init.init)
app.command("check")(check.check)
app.command("data")(data.data)
app.command("run")(run.run)
app.command("status")(status.status)
app.command("best")(best.best)
app.command("compare")(compare.compare)
app.command("report")(report.report)
app.command("predict")(predict.predict)
app.command("promote")(promote.promote)
app.command("reproduce")(reproduce.reproduce)
app.command("note")(note.note)
app.command("tag")(tag.tag)
app.command("reset")(reset.reset)
app.command("rename")(rename.rename)
app.command("delete")(delete.delete)
app.command("components")(components.components)
app.command("schema")(schema.schema)
app.command("ui")(ui.ui)
app.command("sync")(sync.sync)
app.command("import")(import_.import_)
app.command("doctor")(doctor.doctor)
app.command("dashboard")(dashboard.dashboard)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command of `fairtune` and return its exit code."""
    try:
        app(args=None if argv is None else list(argv))
    except FairtuneError as error:
        text = visible(without_secrets(str(error)))
        print(text if "\n" in text else f"fairtune: {text}", file=sys.stderr)
        return error.exit_code
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        return 130
    return 0


def entry() -> None:
    """Run the command that stands in `sys.argv`: the console script `fairtune`."""
    sys.excepthook = _say_what_nobody_expected
    code = main()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # nothing is open; taking the modules apart would take another second


def _say_what_nobody_expected(
    kind: type[BaseException], error: BaseException, where: TracebackType | None
) -> None:
    """Print a traceback as Python does, without passwords."""
    lines = traceback.format_exception(kind, error, where)
    print(without_secrets("".join(lines)), end="", file=sys.stderr)
