"""Looks at the files of pretrained networks before anything is trained with them."""

from __future__ import annotations

from typing import Any

from lightning_modules.networks.pretrained.weights import NONE, weights_path


def check_bert(**parameters: Any) -> None:
    """Read a folder's BERT; raises UserError where there is none, or no such layer to freeze."""
    from lightning_modules.networks.pretrained import bert

    bert.check_bert(**parameters)


def check(name: str, **parameters: Any) -> None:
    """Read the weights of one of torchvision's networks and see that they fit it.

    Raises UserError where they do not, naming the file and the first weight that differs.
    """
    if parameters["weights"] != NONE:
        from lightning_modules.networks.pretrained.torchvision_networks import check_weights

        check_weights(name, weights_path(name, parameters["weights"]))
