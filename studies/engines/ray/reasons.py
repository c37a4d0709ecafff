"""Why a Ray cluster cannot be reached, and why an actor has ended, in words."""

from __future__ import annotations

import re

AUTO = "auto"
"""Ray's word for the cluster that this machine is a node of."""
NO_TOKEN = "Unauthenticated"
"""What Ray prints of a wrong token, and says in no error."""
NO_RAY = "Failed to connect to GCS"
"""What it prints where something else listens."""
DEATHS = {
    "worker process has died": "its process was killed, or crashed",
    "its node has died": "the node was lost",
}
"""What Ray says of an actor, in long paragraphs."""
MOST_SAID = 500
"""Characters of what it says otherwise."""
VERSIONS = re.compile(r"Ray: (\S+) Python: (\S+)")


def nothing_listens(address: str) -> str:
    """Where no port is open at the address of the head."""
    return (
        f"nothing listens at {address}, where the head of a Ray cluster should be: start it there "
        f"(`ray start --head --port={address.rpartition(':')[2]}`), or give --address the address "
        "that it printed at its start"
    )


def asks_for_no_token(address: str) -> str:
    """Where whoever reaches a cluster may use it."""
    return (
        f"the Ray cluster at {address} asks for no token: whoever reaches its ports runs code as "
        "you; where that is not only you, start it anew with RAY_AUTH_MODE=token, see "
        "docs/clusters.md"
    )


def why_no_answer(address: str, printed: str) -> str:
    """Why a cluster has let nobody in for a while, by what Ray printed meanwhile."""
    if NO_TOKEN in printed:
        return (
            f"the Ray cluster {_at(address)} wants a token, and was given none or another: set "
            "RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN to what `ray get-auth-token` prints on the "
            "head"
        )
    if NO_RAY in printed:
        return (
            f"what listens at {address} does not answer as the head of a Ray cluster: give "
            "--address the address that the head printed at its start"
        )
    way = (
        "`ray start --address=HEAD:PORT`" if address == AUTO else f"`ray start --address={address}`"
    )
    return (
        f"this machine is no node of the Ray cluster {_at(address)}: make it one ({way}), run the "
        "command on a node, or as a job of the cluster (`ray job submit -- fairtune run ...`)"
    )


def why_not_connected(address: str, said: str, printed: str) -> str:
    """Why Ray has raised an error that said that."""
    versions = VERSIONS.findall(said)
    if "ersion mismatch" in said and len(versions) == 2:
        (theirs, their_python), (ours, our_python) = versions
        return (
            f"the Ray cluster {_at(address)} has Ray {theirs} and Python {their_python}, and this "
            f"machine Ray {ours} and Python {our_python}: install the same here "
            f"(`pip install ray=={theirs}`), or start the cluster anew with these"
        )
    if NO_TOKEN in printed:
        return why_no_answer(address, printed)
    if address == AUTO:
        return (
            "no Ray runs on this machine, so that there is no cluster for --address auto: give "
            "HOST:PORT of its head, or leave --address out, which starts Ray on this machine"
        )
    return f"there is no way into the Ray cluster at {address}: {said}"


def why_it_died(said: str) -> str:
    """Why an actor has ended: what Ray said of it, without what is about Ray, and in one line."""
    for words, why in DEATHS.items():
        if words in said:
            return why
    lines = [line.strip() for line in said.splitlines()]
    return " ".join(line for line in lines if line and ":" not in line.split(" ")[0])[:MOST_SAID]


def _at(address: str) -> str:
    return "of this machine" if address == AUTO else f"at {address}"
