"""How many workers a study asks a cluster for, and what each of them needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lightning_modules.errors import UserError
from studies.engines.ray.messages import Wanted

Resources = Mapping[str, float]
"""What a node has, or has free, by Ray's names."""
ROUNDING = 1e-4
"""Ray counts resources in ten thousandths."""


@dataclass(frozen=True)
class Places:
    """Places for so many workers."""

    workers: int
    cpus: int
    """Of each."""
    gpus: float
    """The part of a GPU that each has; 0 for none."""

    def needs(self) -> dict[str, float]:
        """What one needs, by Ray's names."""
        return {"CPU": float(self.cpus), **({"GPU": self.gpus} if self.gpus else {})}

    def fit(self, resources: Resources) -> int:
        """How many of them that has room for."""
        return min(
            int(resources.get(name, 0) / each + ROUNDING) for name, each in self.needs().items()
        )


def places_wanted(wanted: Wanted, nodes: Sequence[Resources]) -> Places:
    """What to ask for, of a cluster that has these nodes now; there may be more later.

    Raises UserError where there is no GPU for what was asked for.
    """
    with_gpus = [node for node in nodes if node.get("GPU", 0) >= 1]
    on_gpus = bool(with_gpus) and wanted.accelerator != "cpu"
    if wanted.accelerator == "gpu" and not on_gpus:
        raise UserError(
            "trainer.accelerator is gpu, and no node of the Ray cluster has a GPU: add one, or "
            "write accelerator: auto, which trains on the CPU where there is none"
        )
    if not on_gpus:
        each = Places(1, wanted.cpus or wanted.threads, 0.0)
        return Places(wanted.workers or max(1, sum(map(each.fit, nodes))), each.cpus, 0.0)
    cpus = wanted.cpus or max(
        1, min(int(node.get("CPU", 0) // (node["GPU"] * wanted.per_gpu)) for node in with_gpus)
    )
    each = Places(1, cpus, 1 / wanted.per_gpu)
    return Places(wanted.workers or max(1, sum(map(each.fit, with_gpus))), cpus, each.gpus)


def why_not_placed(places: Places, missing: int, nodes: Sequence[Resources]) -> str:
    """Why so many workers have no place on a cluster of these nodes, in words."""
    needs = " and ".join(_amount(name, each) for name, each in places.needs().items())
    each = f"each needs {needs}"
    there = sum(places.fit(node) for node in nodes)
    have = " and ".join(
        _amount(name, sum(node.get(name, 0) for node in nodes)) for name in places.needs()
    )
    many = "1 worker has" if missing == 1 else f"{missing} workers have"
    why = f"{many} no place in the Ray cluster: {each}, and its nodes have {have}"
    if not there:
        lacking = next(
            (name for name, each in places.needs().items()
             if all(node.get(name, 0) + ROUNDING < each for node in nodes)), None
        )  # fmt: skip
        if lacking:
            why += f", none of them as much {lacking} as one needs"
        return why
    if there < places.workers:
        return f"{why}, which is room for {there}"
    return f"{why}, of which other work has a part"


def _amount(name: str, value: float) -> str:
    return f"{value:.4g} {name}{'s' if value != 1 else ''}"
