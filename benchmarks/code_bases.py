"""Existing code under fairtune: what has to be changed, and what is seen of pruning, continuing,
comparing and reproducing.

    python benchmarks/code_bases.py --sources CLONES --work FOLDER [--only NAME ...] [--json FILE]

CLONES holds the repositories as `git clone` makes them; a code base without one is left out, and
named. Each is copied, given small data, changed by its few lines, searched with pruning, killed in
the middle, run by the same command again, compared, and its last trial is reproduced.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml
from code_bases_table import CODE_BASES, CodeBase
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
FAIRTUNE = (sys.executable, "-P", "-c", "from studies.cli import entry; entry()")
SECONDS = 600
"""How long one command may take."""


@dataclass(frozen=True)
class Seen:
    """What one code base showed."""

    name: str
    commit: str
    lines: int
    """Changed or added, outside of the loading of data."""
    prune: str
    resume: str
    compare: str
    reproduce: str
    note: str = ""


def study_file(base: CodeBase) -> Path:
    """The study file of a code base."""
    return Path(__file__).parent / "code_bases_studies" / f"{base.study}.yaml"


def changed(base: CodeBase, folder: Path) -> int:
    """Change the files of a copy; the number of lines outside of the loading of data.

    Raises ValueError where a line is not there, or there twice: the code base is another version.
    """
    for change in base.changes:
        path = folder / change.file
        whole = path.read_text()
        if whole.count(change.before) != 1:
            raise ValueError(f"{base.name}: {change.file} has not once {change.before!r}")
        path.write_text(whole.replace(change.before, change.after))
    return sum(change.lines for change in base.changes)


def prepare(base: CodeBase, sources: Path, folder: Path) -> int:
    """A copy with small data and the changes; the number of changed lines."""
    if base.repository:
        shutil.copytree(sources / base.repository, folder, ignore=shutil.ignore_patterns(".git"))
    else:
        folder.mkdir(parents=True)
    for name, script in base.scripts.items():
        (folder / name).write_text(script)
    for write, place in base.data:
        write(folder / place)
    if base.prepared_by:
        subprocess.run(
            (sys.executable, *base.prepared_by), cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
    lines = changed(base, folder)
    shutil.copy(study_file(base), started_in(base, folder) / "study.yaml")
    return lines


def factor_of(base: CodeBase) -> str:
    """What its study file compares, which heads the table of the arms."""
    return str(yaml.safe_load(study_file(base).read_text())["compare"]["factor"])


def started_in(base: CodeBase, folder: Path) -> Path:
    """Where fairtune is started: beside the modules that the study file names."""
    return folder / base.data[0][1] if base.allow else folder


def try_out(base: CodeBase, folder: Path, lines: int, commit: str) -> Seen:
    """Run, kill, run again, compare and reproduce; what was seen."""
    where = started_in(base, folder)
    allow = ("--allow", base.allow) if base.allow else ()
    consent = allow or ("--allow-command",)
    words = ("run", "study.yaml", "--home", "home", "--workers", "1", *allow)
    before = killed_in_the_middle(words, where)
    again = command(words, where)
    trials = rows(where)
    if again.returncode or not trials:
        return Seen(
            base.name, commit, lines, "", f"exit {again.returncode}", "", "", last_line(again)
        )
    kept = bool(before) and all(trials.get(key) == value for key, value in before.items())
    pruned = sum(outcome == "pruned" for outcome, _ in trials.values())
    completed = [key for key, (outcome, _) in trials.items() if outcome == "completed"]
    repeated = command(("reproduce", f"tried/{completed[-1]}", "--home", "home", *consent), where)
    return Seen(
        base.name,
        commit,
        lines,
        f"{pruned} of {len(trials)} pruned",
        f"{len(before)} kept, {len(trials) - len(before)} after the kill" if kept else "no",
        "yes" if factor_of(base) in again.stdout else "no",
        {0: "the same", 6: "differs"}.get(repeated.returncode, f"exit {repeated.returncode}"),
        base.note,
    )


def killed_in_the_middle(words: Sequence[str], where: Path) -> dict[str, tuple[str, str]]:
    """Start a run and kill it with all its processes once two trials have ended; those trials."""
    log = where / "killed.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            (*FAIRTUNE, *words),
            cwd=where,
            env=surroundings(),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
        end = time.monotonic() + SECONDS
        while process.poll() is None and time.monotonic() < end and "\n[2/" not in log.read_text():
            time.sleep(0.2)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return rows(where)


def rows(where: Path) -> dict[str, tuple[str, str]]:
    """Outcome and value of every trial that has ended, by its key."""
    import fairtune

    if not (where / "home" / "studies" / "tried").is_dir():
        return {}
    table = fairtune.load("tried", home=where / "home").trials
    ended = table[table.outcome.isin(("completed", "pruned", "error", "diverged"))]
    return {row.trial: (row.outcome, str(row.value)) for row in ended.itertuples(index=False)}


def command(words: Sequence[str], where: Path) -> subprocess.CompletedProcess[str]:
    """A command of fairtune, to its end."""
    return subprocess.run(
        (*FAIRTUNE, *words),
        cwd=where,
        env=surroundings(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def surroundings() -> dict[str, str]:
    """Programs find this Python first, and this fairtune."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    python_path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PATH": path, "PYTHONPATH": python_path}


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """What a command said last."""
    return ((done.stderr or done.stdout).strip().splitlines() or [""])[-1]


def commit_of(sources: Path, repository: str) -> str:
    """The commit of a clone, shortened; empty where it is none."""
    if not repository:
        return "our own"
    done = subprocess.run(
        ("git", "-C", str(sources / repository), "rev-parse", "--short=12", "HEAD"),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def show(seen: Sequence[Seen], console: Console) -> None:
    """The table, as the documentation has it."""
    table = Table("code", "commit", "lines", "prune", "resume", "compare", "reproduce", "note")
    for each in seen:
        table.add_row(*(str(value) for value in asdict(each).values()))
    console.print(table)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the code bases and print the table; 1 where one needed more than two lines or failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--sources", type=Path, required=True, help="folder of the clones")
    parser.add_argument("--work", type=Path, required=True, help="folder for copies and homes")
    parser.add_argument("--only", nargs="+", help="code bases whose name begins so")
    parser.add_argument("--json", type=Path, help="file for a JSON object per line")
    options = parser.parse_args(arguments)
    console, seen = Console(width=200), []
    for number, base in enumerate(CODE_BASES):
        if options.only and not base.name.startswith(tuple(options.only)):
            continue
        if base.repository and not (options.sources / base.repository).is_dir():
            console.print(f"{base.name}: there is no {options.sources / base.repository}")
            continue
        folder = options.work.resolve() / f"{number:02}"
        lines = prepare(base, options.sources, folder)
        seen.append(try_out(base, folder, lines, commit_of(options.sources, base.repository)))
        console.print(" | ".join(str(value) for value in asdict(seen[-1]).values()))
        if options.json:
            with options.json.open("a") as stream:
                stream.write(json.dumps(asdict(seen[-1])) + "\n")
    show(seen, console)
    return int(any(each.lines > 2 or each.compare != "yes" for each in seen))


if __name__ == "__main__":
    sys.exit(main())
