"""Whether a cluster admits whoever reaches it; Ray itself is pretended."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.pretended_ray import pretended_ray


@pytest.fixture
def connecting() -> Iterator[Any]:
    """The module as it is beside a Ray that cannot do anything."""
    with pretended_ray("connecting") as module:
        yield module


@pytest.mark.parametrize(
    ("address", "mode", "admits"),
    [
        ("10.0.0.1:6379", None, True),
        ("10.0.0.1:6379", "", True),
        ("10.0.0.1:6379", "Disabled", True),
        ("10.0.0.1:6379", "token", False),
        ("head:6379", None, True),
        ("[fd00::1]:6379", None, True),
        ("127.0.0.1:6379", None, False),
        ("localhost:6379", None, False),
        ("[::1]:6379", "disabled", False),
    ],
)
def test_a_cluster_that_others_reach_admits_anybody_where_it_asked_for_no_token(
    connecting: Any, monkeypatch: pytest.MonkeyPatch, address: str, mode: str | None, admits: bool
) -> None:
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    if mode is not None:
        monkeypatch.setenv("RAY_AUTH_MODE", mode)
    assert connecting.Cluster(address, False).admits_anybody == admits
