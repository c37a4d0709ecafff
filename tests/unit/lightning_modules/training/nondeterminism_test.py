"""Operations without a deterministic implementation are heard by torch's own warnings."""

import warnings
from collections.abc import Iterator

import pytest
import torch
from torch.nn import functional

from lightning_modules.training.nondeterminism import (
    heard_operations,
    is_nondeterministic,
    remark_of,
)


@pytest.fixture(autouse=True)
def as_lightning_sets_torch() -> Iterator[None]:
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.use_deterministic_algorithms(False)


def unpool() -> None:
    """An operation that torch has no deterministic implementation of on the CPU either."""
    pooled, places = functional.max_pool2d(torch.rand(1, 1, 4, 4), 2, return_indices=True)
    functional.max_unpool2d(pooled, places, 2)


def test_an_operation_is_heard_in_every_training_of_a_process() -> None:
    for _ in range(2):
        with heard_operations() as heard:
            unpool()
            unpool()
        assert heard == {"max_unpooling2d_forward_out"}
    said = remark_of(heard)
    assert said == (
        "the training uses max_unpooling2d_forward_out, which has no deterministic implementation "
        "in torch: its numbers may not repeat to the last bit"
    )
    assert is_nondeterministic(said)


def test_what_is_deterministic_is_not_heard() -> None:
    with heard_operations() as heard:
        torch.rand(4, 4).cumsum(0)
    assert heard == set() and remark_of(heard) == ""


def test_other_warnings_are_shown_as_ever() -> None:
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        with heard_operations():
            warnings.warn("something else", stacklevel=1)
    assert [str(each.message) for each in shown] == ["something else"]


def test_attention_on_gpus_says_it_in_other_words() -> None:
    text = (
        "Memory Efficient attention defaults to a non-deterministic algorithm. To explicitly "
        "enable determinism call torch.use_deterministic_algorithms(True, warn_only=False)."
    )
    with heard_operations() as heard:
        warnings.warn(text, stacklevel=1)
        warnings.warn(
            "cumsum_cuda_kernel does not have a deterministic implementation, but", stacklevel=1
        )
    assert heard == {"Memory Efficient attention", "cumsum_cuda_kernel"}
    assert "cumsum_cuda_kernel, which have no deterministic" in remark_of(heard)
