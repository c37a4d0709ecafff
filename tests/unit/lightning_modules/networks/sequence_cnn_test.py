"""The convolutional network over sequences: padding changes nothing, and lengths are shown."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lightning_modules.data.padding import joined, parted
from lightning_modules.errors import DataError
from lightning_modules.networks.cnn import CNN, CNNNetwork
from lightning_modules.networks.sequence_cnn import SequenceCNN


def built(**given: Any) -> SequenceCNN:
    torch.manual_seed(0)
    return SequenceCNN(2, 3, **{"channels": [4, 5], **given})


def batch() -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    return torch.randn(4, 9, 2), torch.tensor([9, 1, 4, 7])


def test_its_weights_are_those_counted_by_hand() -> None:
    count = sum(weight.numel() for weight in built(batch_norm=True).parameters())
    assert count == (2 * 4 * 3 + 4) + (4 * 5 * 3 + 5) + 2 * 4 + 2 * 5 + (5 * 3 + 3)


@pytest.mark.parametrize("pooling", ["max", "average", "none"])
@pytest.mark.parametrize("kernel_size", [1, 2, 3, 6])
def test_a_row_has_the_same_answer_however_far_it_is_padded(pooling: str, kernel_size: int) -> None:
    network = built(pooling=pooling, kernel_size=kernel_size, batch_norm=True, activation="sigmoid")
    inputs, lengths = batch()
    network(inputs, lengths)  # batch norm sees steps once
    network.eval()
    answers = network(inputs, lengths)
    for row, length in enumerate(lengths.tolist()):
        alone = network(inputs[row : row + 1, :length])
        torch.testing.assert_close(answers[row : row + 1], alone)


def test_what_stands_in_the_padding_does_not_matter_to_training_either() -> None:
    inputs, lengths = batch()
    dirty = inputs.clone()
    for row, length in enumerate(lengths.tolist()):
        dirty[row, length:] = 1e3
    networks = [built(batch_norm=True), built(batch_norm=True)]
    gradients = []
    for network, given in zip(networks, (inputs, dirty), strict=True):
        network(given, lengths).square().sum().backward()
        gradients.append([weight.grad for weight in network.parameters()])
    for clean, same in zip(*gradients, strict=True):
        assert clean is not None and same is not None
        torch.testing.assert_close(clean, same)
    for clean_norm, same_norm in zip(networks[0].norms, networks[1].norms, strict=True):
        torch.testing.assert_close(clean_norm.running_var, same_norm.running_var)


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_it_convolves_and_pools_as_the_network_of_signals_does(pooling: str) -> None:
    signals = CNNNetwork((2, 8), 3, [4, 5], 4, pooling, batch_norm=True).eval()
    sequences = built(pooling=pooling, kernel_size=4, batch_norm=True).eval()
    kinds: tuple[type[nn.Module], ...] = (nn.Conv1d, nn.BatchNorm1d)
    for kind in kinds:
        pairs = zip(
            [layer for layer in signals if isinstance(layer, kind)],
            [layer for layer in sequences.modules() if isinstance(layer, kind)],
            strict=True,
        )
        for theirs, ours in pairs:
            ours.load_state_dict(theirs.state_dict())
    inputs = torch.randn(6, 8, 2)
    before = next(at for at, layer in enumerate(signals) if isinstance(layer, nn.Flatten))
    left = nn.Sequential(*list(signals)[:before])(inputs.transpose(1, 2))
    whole = left.amax(2) if pooling == "max" else left.mean(2)
    torch.testing.assert_close(sequences(inputs), sequences.head(whole))


def test_the_module_takes_it_for_sequences() -> None:
    module = CNN((9, 2), 3, sequence=True, dropout=0.5)
    assert isinstance(module.network, SequenceCNN)
    assert module.network.dropout.p == 0.5


# Lengths in one array


def test_series_end_where_nan_begins() -> None:
    inputs, lengths = batch()
    array = joined(inputs, lengths)
    assert np.isnan(array[1, 1:]).all() and not np.isnan(array[0]).any()
    again, same = parted(array)
    assert same.tolist() == [9, 1, 4, 7]
    assert again[1, 1:].abs().sum() == 0
    assert torch.equal(again[2, :4], inputs[2, :4])


def test_texts_end_where_0_begins() -> None:
    tokens = torch.tensor([[3, 1, 0], [2, 2, 2]])
    again, lengths = parted(joined(tokens, torch.tensor([2, 3])))
    assert torch.equal(again, tokens) and lengths.tolist() == [2, 3]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (
            np.array([[[1.0], [2.0]], [[np.nan], [1.0]]]),
            "row 2 of the inputs: NaN is padding, and stands only beyond the end of a row, which "
            "has one step or more",
        ),
        (np.array([[0, 0]]), "row 1 of the inputs: token 0 is padding, and stands only beyond the"),
    ],
)
def test_padding_before_the_end_and_empty_rows_are_refused(array: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        parted(array)
    assert message in str(caught.value)
