"""Why a cluster cannot be reached is read from what Ray prints and raises, in its own words."""

import pytest

from studies.engines.ray.unreachable import nothing_listens, why_no_answer, why_not_connected

HEAD = "10.0.0.1:6379"
TOKEN = (
    "gcs_client.cc:210: Failed to get cluster ID from GCS server: Unauthenticated: RPC error: "
    "InvalidAuthToken: Authentication token is missing or incorrect\n"
)
WEB = "rpc_client.h:153: Failed to connect to GCS at address 10.0.0.1:6379 within 5 seconds.\n"
VERSIONS = (
    "Version mismatch: The cluster was started with: Ray: 9.9.9 Python: 3.12.7 This process on "
    "node 10.0.0.2 was started with: Ray: 2.60.0 Python: 3.11.7"
)


def test_where_nothing_listens_a_head_is_to_be_started() -> None:
    assert nothing_listens(HEAD) == (
        "nothing listens at 10.0.0.1:6379, where the head of a Ray cluster should be: start it "
        "there (`ray start --head --port=6379`), or give --address the address that it printed at "
        "its start"
    )


@pytest.mark.parametrize(
    "why", [why_no_answer(HEAD, TOKEN + WEB), why_not_connected(HEAD, "", TOKEN)]
)
def test_a_wrong_token_is_called_that(why: str) -> None:
    assert why == (
        "the Ray cluster at 10.0.0.1:6379 wants a token, and was given none or another: set "
        "RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN to what `ray get-auth-token` prints on the head"
    )


def test_what_is_no_ray_is_called_that() -> None:
    assert why_no_answer(HEAD, WEB).startswith(
        "what listens at 10.0.0.1:6379 does not answer as the head of a Ray cluster: "
    )


def test_a_machine_that_is_no_node_can_become_one() -> None:
    assert why_no_answer(HEAD, "") == (
        "this machine is no node of the Ray cluster at 10.0.0.1:6379: make it one (`ray start "
        "--address=10.0.0.1:6379`), run the command on a node, or as a job of the cluster "
        "(`ray job submit -- fairtune run ...`)"
    )


def test_both_versions_are_named() -> None:
    assert why_not_connected(HEAD, VERSIONS, "") == (
        "the Ray cluster at 10.0.0.1:6379 has Ray 9.9.9 and Python 3.12.7, and this machine Ray "
        "2.60.0 and Python 3.11.7: install the same here (`pip install ray==9.9.9`), or start the "
        "cluster anew with these"
    )


def test_without_a_cluster_on_this_machine_auto_finds_none() -> None:
    assert why_not_connected("auto", "Could not find any running Ray instance.", "").startswith(
        "no Ray runs on this machine, so that there is no cluster for --address auto: "
    )
