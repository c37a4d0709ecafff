"""The transformer looks back only, knows where a step stands, and ignores padding."""

import pytest
import torch

from lightning_modules.networks.transformer import TransformerNetwork, positions


def network(**given: int) -> TransformerNetwork:
    torch.manual_seed(0)
    return TransformerNetwork((5, 8), 3, **{"num_heads": 2, "head_size": 4, **given}, sequence=True)


def test_the_weights_are_those_counted_by_hand() -> None:
    width, layers = 8, 2
    block = 4 * (width * width + width) + 2 * 4 * width * width + 5 * width + 2 * 2 * width
    wanted = layers * block + 2 * width + width * 3 + 3
    assert sum(each.numel() for each in network(num_layers=layers).parameters()) == wanted
    wider = TransformerNetwork((5, 6), 3, num_layers=1, num_heads=2, head_size=4, sequence=True)
    assert wider.input.weight.shape == (8, 6)


def test_blocks_begin_with_different_weights() -> None:
    first, second = (block.linear1.weight for block in network().blocks)
    assert not torch.equal(first, second)


def test_padding_changes_no_answer_and_later_steps_do_not_either() -> None:
    made = network().eval()
    rows = torch.randn(3, 5, 8)
    lengths = torch.tensor([5, 3, 1])
    answers = made(rows, lengths)
    for row, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(answers[row], made(rows[row : row + 1, :length])[0])
    changed = rows.clone()
    changed[:, 3:] = 9.0
    torch.testing.assert_close(made(changed, lengths)[1:], answers[1:])


def test_the_order_of_the_steps_matters() -> None:
    made, rows = network().eval(), torch.randn(1, 5, 8)
    turned = torch.cat([rows[:, :4].flip(1), rows[:, 4:]], dim=1)
    assert not torch.allclose(made(rows), made(turned), atol=1e-4)


def test_training_and_evaluation_answer_the_same_without_dropout() -> None:
    made, rows = network(), torch.randn(4, 5, 8)
    trained = made.train()(rows).detach()
    with torch.no_grad():
        torch.testing.assert_close(made.eval()(rows), trained)


@pytest.mark.parametrize("width", [1, 7, 8])
def test_positions_are_sines_of_any_width(width: int) -> None:
    found = positions(50, width)
    assert found.shape == (50, width)
    assert found[:, 0].tolist() == pytest.approx(torch.arange(50).sin().tolist(), abs=1e-5)


def test_signals_and_images_are_read_in_steps() -> None:
    assert TransformerNetwork((2, 9), 4)(torch.zeros(3, 2, 9)).shape == (3, 4)
    assert TransformerNetwork((1, 6, 5), 4)(torch.zeros(3, 1, 6, 5)).shape == (3, 4)
