"""The collector is off while it should be, and afterwards as it was."""

import gc
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from studies.records.garbage_collection import freeze_after_import, gc_paused


@pytest.mark.parametrize("pause", [gc_paused, freeze_after_import])
def test_the_collector_is_as_it_was_whatever_is_raised(
    pause: Callable[[], AbstractContextManager[None]],
) -> None:
    with pytest.raises(ValueError, match="no"), pause():
        assert not gc.isenabled()
        raise ValueError("no")
    assert gc.isenabled()
    gc.disable()
    try:
        with pause():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_only_what_new_modules_leave_is_kept_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = gc.get_freeze_count()
    with freeze_after_import():
        pass
    assert gc.get_freeze_count() == before
    try:
        with freeze_after_import():
            monkeypatch.setitem(sys.modules, "made_here", sys)
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()
