"""Networks without what an optimizer is for: looked at before the first trial."""

from __future__ import annotations

import json
from collections.abc import Iterator

from lightning_modules.errors import Problem
from lightning_modules.optimization.optimizers import OPTIMIZERS
from studies.study_file import Spec
from studies.study_file.space.variants import variants


def matrix_problems(spec: Spec) -> Iterator[Problem]:
    """The networks that have no matrices, for optimizers that turn matrices; torch is imported and
    the networks are made, without their weights, for such optimizers only."""
    seen: set[str] = set()
    pairs = zip(variants(spec.space.root), spec.configurations, strict=True)
    for variant, configuration in pairs:
        row = OPTIMIZERS.get(configuration.optimizer.name)
        made_of = json.dumps([configuration.data.to_dict(), configuration.model.to_dict()])
        if row is None or not row.by_matrix or made_of in seen:
            continue
        seen.add(made_of)
        import torch

        from lightning_modules.optimization.muon import NO_MATRICES, hidden_matrices
        from lightning_modules.training.building import build_data, build_network
        from lightning_modules.training.data_description import describe

        described = describe(build_data(configuration), configuration)
        with torch.device("meta"):
            module = build_network(configuration, described, None)
        assert isinstance(module.network, torch.nn.Module)
        if not hidden_matrices(module.network):
            yield Problem(variant.origin(("optimizer",)), NO_MATRICES)
