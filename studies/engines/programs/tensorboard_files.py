"""Metrics from the files that a program writes for TensorBoard while it trains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studies.engines.programs.csv_file import named_by, one_of
from studies.engines.programs.written_epochs import Written

FILES = "*tfevents*"
SCALARS = "scalars"


class TensorboardFiles:
    """The scalars in a folder, which are called as their tags, and those of the folders in it,
    which are called `folder/tag`."""

    numbered = False

    def __init__(self, path: Path) -> None:
        """`path` may hold `*`."""
        self._path = path
        self._loaders: dict[Path, Any] = {}
        self._tags: set[str] = set()
        for stale in self._files():
            stale.unlink()  # of an attempt before

    def heard(self, line: str) -> Iterator[Written]:
        """Nothing is in the lines of the log."""
        yield from ()

    def news(self, over: bool) -> Iterator[Written]:
        """The scalars that are new, in the order of their steps."""
        # imported here: it takes most of a second, and few programs need it
        from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

        found: list[Written] = []
        for file in self._files():
            if file not in self._loaders:
                self._loaders[file] = EventFileLoader(str(file))
            for event in self._loaders[file].Load():
                for tag, value in _scalars(event):
                    found.append(Written({self._name(file, tag): value}, event.step))
        self._tags.update(name for each in found for name in each.metrics)
        yield from sorted(found, key=lambda written: written.at or 0)

    def missing(self, metric: str) -> str:
        """What is said where a metric was not found."""
        if not self._tags:
            return f"there is no scalar in {self._path}"
        tags = ", ".join(sorted(self._tags))
        return f"{self._path} has {tags}; say with metrics.names which one is {metric}"

    def _name(self, file: Path, tag: str) -> str:
        """A tag with the folders that lead to its file."""
        folders = file.parent.parts[len(self._path.parts) :]
        return "/".join([*folders, tag])

    def _files(self) -> list[Path]:
        folder = one_of([each for each in named_by(self._path) if each.is_dir()], self._path)
        return sorted(folder.rglob(FILES)) if folder is not None else []


def _scalars(event: Any) -> Iterator[tuple[str, float]]:
    from tensorboard.util.tensor_util import make_ndarray

    for value in event.summary.value:
        if value.metadata.plugin_data.plugin_name == SCALARS:
            # as it was written: 0.6 and not the 0.60000002 that is nearest to it in 32 bits
            yield value.tag, float(str(make_ndarray(value.tensor)[()]))
