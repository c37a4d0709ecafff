"""Pages take a token where other people use the machine."""

import os
import pwd

import psutil
import pytest

from studies.servers.token import address, new_token, used_by_others

MINE = os.getuid()


def account(user: int, shell: str) -> pwd.struct_passwd:
    return pwd.struct_passwd(("somebody", "x", user, user, "", "/home/somebody", shell))


@pytest.mark.parametrize(
    ("user", "shell", "others"),
    [
        (MINE, "/bin/bash", False),
        (4711, "/bin/bash", True),
        (4711, "/usr/sbin/nologin", False),
        (4711, "/bin/false", False),
        (999, "/bin/bash", False),
        (65534, "/bin/sh", False),
    ],
)
def test_others_are_people_with_an_account_that_can_log_in(
    user: int, shell: str, others: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pwd, "getpwall", lambda: [account(user, shell)])
    monkeypatch.setattr(psutil, "process_iter", list)
    assert used_by_others() is others
    assert (new_token(None) is not None) is others


def test_who_has_a_process_is_another_although_his_account_is_not_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Theirs:
        def uids(self) -> object:
            return type("uids", (), {"real": 4711})()

    monkeypatch.setattr(pwd, "getpwall", list)
    monkeypatch.setattr(psutil, "process_iter", lambda: [Theirs()])
    assert used_by_others()


def test_the_options_decide_and_the_address_has_the_token() -> None:
    assert new_token(False) is None
    one, other = new_token(True), new_token(True)
    assert one and other and one != other and len(one) >= 40
    assert address(8501, one) == f"http://127.0.0.1:8501/?token={one}"
    assert address(8501, None) == "http://127.0.0.1:8501"
