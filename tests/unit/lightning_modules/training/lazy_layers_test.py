"""Layers that learn their sizes from a first batch have them before the training begins."""

from importlib import import_module
from types import ModuleType

import pytest
import pytorch_lightning
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from lightning_modules.training.lazy_layers import has_lazy_layers, materialize
from lightning_modules.user_code.distributions import NAMES


def parts(package: ModuleType, has_forward: bool = True) -> tuple[nn.Module, object]:
    class Module(package.LightningModule):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            frozen = nn.Sequential(nn.LazyConv1d(2, 3), nn.LazyBatchNorm1d()).eval()
            self.layers = nn.Sequential(
                frozen, nn.Flatten(), nn.Dropout(0.5), nn.LazyLinear(3), nn.LazyBatchNorm1d()
            )

        if has_forward:

            def forward(self, inputs: Tensor) -> Tensor:
                return self.layers(inputs)  # type: ignore[no-any-return]

    class Rows(package.LightningDataModule):  # type: ignore[misc,name-defined]
        def setup(self, stage: str) -> None:
            self.rows = TensorDataset(torch.ones(8, 1, 6), torch.zeros(8))

        def train_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
            return DataLoader(self.rows, 4)

    return Module(), Rows()


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_gives_lazy_layers_their_sizes_and_nothing_else_changes(
    name: str,
) -> None:
    module, data = parts(import_module(name))
    materialize(module, data)  # type: ignore[arg-type]
    assert not has_lazy_layers(module)
    assert {name: tuple(each.shape) for name, each in module.named_parameters()} == {
        "layers.0.0.weight": (2, 1, 3), "layers.0.0.bias": (2,),
        "layers.0.1.weight": (2,), "layers.0.1.bias": (2,),
        "layers.3.weight": (3, 8), "layers.3.bias": (3,),
        "layers.4.weight": (3,), "layers.4.bias": (3,),
    }  # fmt: skip
    assert torch.equal(module.layers[4].running_mean, torch.zeros(3))  # it has learned nothing
    assert not module.layers[0][1].training and module.layers[2].training and module.training


def test_a_module_whose_forward_says_nothing_is_left_as_it_is() -> None:
    module, data = parts(pytorch_lightning, has_forward=False)
    materialize(module, data)  # type: ignore[arg-type]
    assert has_lazy_layers(module)
