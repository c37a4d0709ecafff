"""Networks give the right shapes and ignore padding."""

import torch

from lightning_modules.networks import NETWORKS
from lightning_modules.recurrent import RecurrentNetwork


def test_every_network_maps_an_image_to_its_outputs() -> None:
    for name, row in NETWORKS.items():
        network = row.build((1, 8, 8), 10, **row.defaults())
        assert network(torch.zeros(3, 1, 8, 8)).shape == (3, 10), name


def test_padding_does_not_change_what_a_recurrent_network_says() -> None:
    torch.manual_seed(0)
    network = RecurrentNetwork((7, 2), 3, "gru", 5, 2, bidirectional=True, sequence=True).eval()
    sequences = torch.randn(2, 7, 2)
    padded = network(sequences, torch.tensor([7, 4]))
    torch.testing.assert_close(padded[1:], network(sequences[1:, :4]))
    torch.testing.assert_close(padded[:1], network(sequences[:1]))
