"""Networks have the layers that their parameters say, and ignore padding."""

from collections.abc import Iterator, Sequence

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from lightning_modules.errors import UserError
from lightning_modules.networks import NETWORKS
from lightning_modules.networks.cnn import CNNNetwork
from lightning_modules.networks.mlp import MLPNetwork
from lightning_modules.networks.recurrent import Recurrent, RecurrentNetwork

SMALL = {name: row for name, row in NETWORKS.items() if row.check is None}
"""Those that read no weights of elsewhere; the others have tests of their own."""


def size(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def kinds(network: nn.Sequential) -> list[str]:
    return [type(layer).__name__ for layer in network]


def test_every_network_maps_an_image_to_its_outputs() -> None:
    for name, row in SMALL.items():
        network = row.build((1, 8, 8), 10, **row.defaults())
        assert network(torch.zeros(3, 1, 8, 8)).shape == (3, 10), name


def test_every_network_learns_from_all_of_its_weights() -> None:
    for name, row in SMALL.items():
        torch.manual_seed(0)
        network = row.build((2, 6, 6), 3, **row.defaults())
        network(torch.randn(4, 2, 6, 6)).square().sum().backward()
        for weight in network.parameters():
            assert weight.grad is not None and weight.grad.abs().sum() > 0, name


# Multilayer perceptrons


def test_a_perceptron_is_one_linear_layer() -> None:
    network = MLPNetwork((4,), 3, hidden=[])
    assert kinds(network) == ["Flatten", "Linear"]
    assert size(network) == 4 * 3 + 3


def test_an_mlp_has_a_linear_layer_per_width_and_one_for_the_answer() -> None:
    network = MLPNetwork((1, 8, 8), 10, hidden=[32, 16])
    assert size(network) == (64 * 32 + 32) + (32 * 16 + 16) + (16 * 10 + 10)
    assert kinds(network) == ["Flatten", "Linear", "ReLU", "Linear", "ReLU", "Linear"]


def test_an_mlp_normalizes_before_the_activation_and_drops_after_it() -> None:
    network = MLPNetwork((4,), 3, [5], {"name": "elu", "alpha": 0.5}, 0.25, True)
    assert kinds(network) == ["Flatten", "Linear", "BatchNorm1d", "ELU", "Dropout", "Linear"]
    assert isinstance(network[3], nn.ELU) and network[3].alpha == 0.5
    assert isinstance(network[4], nn.Dropout) and network[4].p == 0.25


# Convolutional networks


def test_a_cnn_over_signals_has_the_weights_counted_by_hand() -> None:
    network = CNNNetwork((2, 10), 5, channels=[3, 4], kernel_size=3)
    assert size(network) == (2 * 3 * 3 + 3) + (3 * 4 * 3 + 4) + (4 * 2 * 5 + 5)  # 10 -> 5 -> 2
    assert network(torch.zeros(6, 2, 10)).shape == (6, 5)


def test_a_cnn_over_images_has_the_weights_counted_by_hand() -> None:
    network = CNNNetwork((3, 9, 6), 7, channels=[4, 5], kernel_size=5, batch_norm=True)
    convolutions = (3 * 4 * 25 + 4) + (4 * 5 * 25 + 5)
    norms = 2 * 4 + 2 * 5
    head = 5 * (2 * 1) * 7 + 7  # 9 x 6 -> 4 x 3 -> 2 x 1
    assert size(network) == convolutions + norms + head
    assert network(torch.zeros(2, 3, 9, 6)).shape == (2, 7)


def test_a_cnn_normalizes_activates_pools_and_drops_in_this_order() -> None:
    network = CNNNetwork((1, 8), 2, [3], 3, "average", "tanh", True, 0.5)
    wanted = ["Conv1d", "BatchNorm1d", "Tanh", "AvgPool1d", "Flatten", "Dropout", "Linear"]
    assert kinds(network) == wanted


def test_pooling_stops_where_a_side_has_a_single_point() -> None:
    deep = CNNNetwork((1, 4), 2, channels=[3] * 5)
    assert kinds(deep).count("MaxPool1d") == 2  # 4 -> 2 -> 1
    assert deep(torch.zeros(2, 1, 4)).shape == (2, 2)
    flat = CNNNetwork((1, 8, 1), 2, channels=[3, 3])
    assert kinds(flat).count("MaxPool2d") == 0
    assert flat(torch.zeros(2, 1, 8, 1)).shape == (2, 2)


def test_without_pooling_the_size_stays() -> None:
    network = CNNNetwork((1, 8, 8), 2, channels=[3], pooling="none")
    assert size(network) == (9 * 3 + 3) + (3 * 64 * 2 + 2)


@pytest.mark.parametrize("shape", [(2, 9), (2, 9, 5)])
@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4, 7])
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_convolutions_keep_the_size_as_torch_does_for_any_kernel(
    shape: tuple[int, ...], kernel_size: int
) -> None:
    torch.manual_seed(0)
    network = CNNNetwork(shape, 1, [3], kernel_size, "none", "identity")
    layers = list(network)
    ours = nn.Sequential(*layers[: kinds(network).index("Identity")])
    convolution = ours[-1]
    assert isinstance(convolution, nn.Conv1d | nn.Conv2d)
    same = type(convolution)(2, 3, kernel_size, padding="same")
    same.load_state_dict(convolution.state_dict())
    inputs = torch.randn(4, *shape)
    torch.testing.assert_close(ours(inputs), same(inputs))


def test_an_even_kernel_raises_no_warning() -> None:
    torch.set_warn_always(True)  # torch warns of most things once only
    try:
        CNNNetwork((1, 8), 2, kernel_size=4)(torch.zeros(2, 1, 8))
    finally:
        torch.set_warn_always(False)


# Recurrent networks


@pytest.mark.parametrize(("cell", "gates"), [("rnn", 1), ("gru", 3), ("lstm", 4)])
def test_a_recurrent_network_has_the_weights_counted_by_hand(cell: str, gates: int) -> None:
    def layer(features: int) -> int:
        return gates * (features * 5 + 5 * 5 + 5 + 5)

    one = RecurrentNetwork((3, 20), 2, cell, hidden_size=5)
    assert size(one) == layer(3) + (5 * 2 + 2)
    both = RecurrentNetwork((3, 20), 2, cell, hidden_size=5, num_layers=2, bidirectional=True)
    assert size(both) == 2 * layer(3) + 2 * layer(10) + (10 * 2 + 2)


def test_a_signal_is_read_in_time_and_an_image_row_by_row() -> None:
    torch.manual_seed(0)
    signals, images = torch.randn(2, 3, 7), torch.randn(2, 3, 7, 4)
    for inputs, steps in (
        (signals, signals.permute(0, 2, 1)),
        (images, images.permute(0, 2, 1, 3).reshape(2, 7, 12)),
    ):
        network = RecurrentNetwork(inputs.shape[1:], 2, "gru", 5)
        wanted = network.cell(steps)[0][:, -1]
        torch.testing.assert_close(network(inputs), network.head(wanted))


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_the_answer_comes_from_the_end_of_each_direction_in_the_last_layer(cell: str) -> None:
    torch.manual_seed(0)
    network = RecurrentNetwork((7, 2), 3, cell, 5, 2, bidirectional=True, sequence=True)
    steps = torch.randn(4, 7, 2)
    outputs = network.cell(steps)[0]
    ends = torch.cat([outputs[:, -1, :5], outputs[:, 0, 5:]], dim=1)
    torch.testing.assert_close(network(steps), network.head(ends))


def test_dropout_of_a_recurrent_network_stands_before_the_answer_and_between_layers() -> None:
    one = RecurrentNetwork((3, 7), 2, "gru", 5, dropout=0.25)
    two = RecurrentNetwork((3, 7), 2, "gru", 5, num_layers=2, dropout=0.25)
    assert (one.dropout.p, one.cell.dropout) == (0.25, 0.0)
    assert (two.dropout.p, two.cell.dropout) == (0.25, 0.25)


def test_an_unknown_cell_is_a_user_error() -> None:
    with pytest.raises(UserError) as caught:
        RecurrentNetwork((3, 7), 2, "lst")
    assert str(caught.value) == "there is no recurrent cell 'lst'; did you mean lstm?"


def test_padding_does_not_change_what_a_recurrent_network_says() -> None:
    torch.manual_seed(0)
    for cell in ("rnn", "gru", "lstm"):
        network = RecurrentNetwork((7, 2), 3, cell, 5, 2, bidirectional=True, sequence=True).eval()
        sequences = torch.randn(2, 7, 2)
        padded = network(sequences, torch.tensor([7, 4]))
        torch.testing.assert_close(padded[1:], network(sequences[1:, :4]))
        torch.testing.assert_close(padded[:1], network(sequences[:1]))


class Loader:
    """Batches that a Trainer can read again and again."""

    def __init__(self, *batches: tuple[Tensor, ...]) -> None:
        self.batches: Sequence[tuple[Tensor, ...]] = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        return iter(self.batches)


def trained_on(inputs: Tensor) -> tuple[dict[str, float], Tensor]:
    """Metrics of two epochs on two batches of padded sequences, and the predictions after them."""
    lengths, targets = torch.tensor([7, 2, 5, 3]), torch.tensor([0, 1, 2, 1])
    loader = Loader(*((inputs[i], lengths[i], targets[i]) for i in (slice(0, 2), slice(2, 4))))
    torch.manual_seed(0)
    module = Recurrent(
        (7, 2), 3, hidden_size=5, sequence=True, optimizer={"name": "adam", "lr": 0.1}
    )
    trainer = pl.Trainer(
        max_epochs=2,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=1,
    )
    trainer.fit(module, loader, loader)
    metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
    predictions = trainer.predict(module, loader)
    assert predictions is not None
    return metrics, torch.cat([part for part in predictions if isinstance(part, Tensor)])


def test_a_module_learns_from_batches_of_padded_sequences_and_their_lengths() -> None:
    torch.manual_seed(1)
    clean = torch.randn(4, 7, 2)
    dirty = clean.clone()
    for row, length in enumerate([7, 2, 5, 3]):
        dirty[row, length:] = 1e3
    metrics, predictions = trained_on(clean)
    assert {"train/loss", "train/accuracy", "val/loss", "val/f1", "optim/lr"} <= metrics.keys()
    assert metrics["val/loss"] < metrics["train/loss"]
    assert predictions.shape == (4, 3)
    torch.testing.assert_close(predictions.sum(1), torch.ones(4))
    again, same = trained_on(dirty)
    assert again == metrics and torch.equal(same, predictions)
