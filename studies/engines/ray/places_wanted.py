"""How many workers a study asks a cluster for, and what each of them needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

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

    Raises UserError where a Ray of this machine has no GPU for what was asked for; a cluster may
    come to have one.
    """
    with_gpus = [node for node in nodes if node.get("GPU", 0) >= 1]
    must = wanted.accelerator == "gpu" or wanted.per_gpu is not None
    if must and not with_gpus and wanted.address is None:
        raise UserError(_no_gpu(wanted))
    if wanted.accelerator == "cpu" or not (with_gpus or must):
        return _as_many(wanted, Places(1, wanted.cpus or wanted.threads, 0.0), nodes)
    share = wanted.per_gpu or 1
    beside = [int(node.get("CPU", 0) // (node["GPU"] * share)) for node in with_gpus]
    cpus = wanted.cpus or max(1, min(beside, default=wanted.threads))
    return _as_many(wanted, Places(1, cpus, 1 / share), with_gpus)


def _as_many(wanted: Wanted, each: Places, nodes: Sequence[Resources]) -> Places:
    """As many workers as were asked for, else as have room, and no more than have trials."""
    room = sum(map(each.fit, nodes))
    most = room if wanted.most is None else min(room, wanted.most)
    return replace(each, workers=wanted.workers or max(1, most))


def _no_gpu(wanted: Wanted) -> str:
    if wanted.accelerator == "gpu":
        return (
            "trainer.accelerator is gpu, and Ray finds no GPU on this machine: give --address of a "
            "cluster, or write accelerator: auto, which trains on the CPU where there is none"
        )
    return (
        f"{wanted.per_gpu} on each GPU, and Ray finds none on this machine: give --address of a "
        "cluster, or --workers in place of --per-gpu"
    )


def why_not_placed(places: Places, missing: int, nodes: Sequence[Resources]) -> str:
    """Why so many workers have no place on a cluster of these nodes, in words."""
    needs = places.needs()
    many = "1 worker has" if missing == 1 else f"{missing} workers have"
    each = " and ".join(_amount(name, value) for name, value in needs.items())
    why = f"{many} no place in the Ray cluster: each needs {each}, and"
    for name, value in needs.items():
        if all(node.get(name, 0) + ROUNDING < value for node in nodes):
            return f"{why} none of its nodes has {_amount(name, value)}"
    have = " and ".join(_amount(name, sum(node.get(name, 0) for node in nodes)) for name in needs)
    there = sum(places.fit(node) for node in nodes)
    room = f"is room for {there}" if there < places.workers else "other work has a part of"
    return f"{why} its nodes have {have}, which {room}"


def _amount(name: str, value: float) -> str:
    return f"{value:.4g} {name}{'s' if value != 1 else ''}"
