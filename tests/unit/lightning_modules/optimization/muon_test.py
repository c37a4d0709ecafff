"""Muon turns the hidden matrices; AdamW has the rest."""

import copy
import inspect

import pytest
import torch
from torch import nn, optim

from lightning_modules.components import resolve_component
from lightning_modules.errors import UserError
from lightning_modules.networks.mlp import MLPNetwork
from lightning_modules.optimization.muon import MuonWithAdamW, hidden_matrices
from lightning_modules.optimization.optimizers import OPTIMIZERS
from lightning_modules.optimization.schedules import SCHEDULES


def network() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Embedding(7, 4), nn.Linear(4, 6), nn.LayerNorm(6), nn.Linear(6, 6), nn.Linear(6, 3)
    )


def built(made: nn.Module, **given: object) -> MuonWithAdamW:
    row, parameters = resolve_component(OPTIMIZERS, {"name": "muon", **given}, "optimizer")
    optimizer = row.build(made.parameters(), matrices=hidden_matrices(made), **parameters)
    assert isinstance(optimizer, MuonWithAdamW)
    return optimizer


def backward(made: nn.Module) -> None:
    made.zero_grad()
    made(torch.arange(7)).square().sum().backward()


def test_embeddings_the_output_and_vectors_are_no_hidden_matrices() -> None:
    made = network()
    assert [id(w) for w in hidden_matrices(made)] == [id(made[1].weight), id(made[3].weight)]
    muon, adamw = built(made).param_groups
    assert [id(w) for w in muon["params"]] == [id(made[1].weight), id(made[3].weight)]
    assert len(muon["params"]) + len(adamw["params"]) == len(list(made.parameters()))


def test_an_output_that_shares_the_weights_of_the_embedding_is_the_output() -> None:
    made = nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 4), nn.Linear(4, 7, bias=False))
    made[2].weight = made[0].weight
    assert [id(w) for w in hidden_matrices(made)] == [id(made[1].weight)]


@pytest.mark.parametrize(
    "made", [MLPNetwork((4,), 3, hidden=[]), nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(2, 2))]
)
def test_a_network_without_hidden_matrices_is_refused(made: nn.Module) -> None:
    with pytest.raises(UserError, match=r"this network has none.*or write optimizer: adamw"):
        built(made)


def test_steps_are_those_of_torchs_own_two() -> None:
    ours, theirs = network(), network()
    optimizer = built(ours, lr=0.02, adamw_lr=0.003, weight_decay=0.01, adamw_betas=[0.8, 0.9])
    chosen = hidden_matrices(theirs)
    rest = [w for w in theirs.parameters() if all(w is not each for each in chosen)]
    muon = optim.Muon(chosen, lr=0.02, weight_decay=0.01)
    adamw = optim.AdamW(rest, lr=0.003, betas=(0.8, 0.9), weight_decay=0.01)
    for _ in range(3):
        backward(ours)
        backward(theirs)
        optimizer.step()
        muon.step()
        adamw.step()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_a_state_that_was_stored_continues_to_the_same_bits() -> None:
    whole = network()
    optimizer = built(whole)
    for _ in range(2):
        backward(whole)
        optimizer.step()
    part = copy.deepcopy(whole)
    continued = built(part)
    continued.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for made, each in ((whole, optimizer), (part, continued)):
        for group in each.param_groups:
            group["lr"] *= 0.5  # as a schedule does
        backward(made)
        each.step()
    pairs = zip(whole.parameters(), part.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_move_both_rates_in_the_same_ratio(name: str) -> None:
    optimizer = built(network(), lr=0.02, adamw_lr=0.005)
    row, parameters = resolve_component(SCHEDULES, {"name": name}, "schedule")
    schedule = row.build(optimizer, epochs=4, steps_per_epoch=2, goal="minimize", **parameters)
    for _ in range(8):
        rates = [group["lr"] for group in optimizer.param_groups]
        assert rates[1] == pytest.approx(rates[0] / 4)
        backward(network())
        optimizer.step()
        schedule.step()


def test_groups_keep_the_ratio_of_their_rates() -> None:
    made = network()
    groups = [
        {"params": list(made[4].parameters()), "lr": 0.1},
        {"params": list(made[1].parameters()), "lr": 0.01},
    ]
    row, parameters = resolve_component(OPTIMIZERS, {"name": "muon", "lr": 0.1}, "optimizer")
    optimizer = row.build(groups, matrices=hidden_matrices(made), **parameters)
    rates = [group["lr"] for group in optimizer.param_groups]
    assert rates == pytest.approx([0.01, 0.001, 0.0001])


def test_defaults_are_those_of_torch() -> None:
    signature = inspect.signature(optim.Muon).parameters
    own = {key: value for key, value in OPTIMIZERS["muon"].defaults().items() if key in signature}
    assert own.pop("adjust_lr_fn") == "original"  # which None means
    assert own == {key: signature[key].default for key in own}
