"""Whether a server of this machine is the MLflow UI and has a run, by what it answers."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from studies.servers import running_ui
from studies.servers.running_ui import Answer, ask, is_local

TOKEN = "fairtune: open the whole address, with the token, that `fairtune ui` printed"


@contextmanager
def serving(code: int, text: str, asked: list[str]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(code)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("code", "text", "answer"),
    [
        (200, json.dumps({"run": {"info": {}}}), Answer.known),
        (404, json.dumps({"error_code": "RESOURCE_DOES_NOT_EXIST"}), Answer.unknown),
        (403, TOKEN, Answer.token),
        (403, "AirTunes", Answer.other),
        (404, "not found", Answer.other),
        (200, "<html>another program</html>", Answer.other),
        (200, "7", Answer.other),
        (500, "", Answer.other),
    ],
)
def test_the_answer_of_a_server(
    code: int, text: str, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running_ui, "SECONDS", 30.0)  # a machine under load answers late
    asked: list[str] = []
    with serving(code, text, asked) as address:
        assert ask(address, "a b/c") == answer
    assert asked == ["/api/2.0/mlflow/runs/get?run_id=a%20b%2Fc"]


def test_nobody_answers_at_a_port_that_is_free() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        port = taken.getsockname()[1]
        assert ask(f"http://127.0.0.1:{port}", "a") == Answer.none


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("http://127.0.0.1:5000", True),
        ("http://localhost", True),
        ("https://127.0.0.1", False),
        ("http://169.254.169.254", False),
        ("http://127.0.0.1.example.org", False),
        ("http://127.0.0.1@example.org", False),
    ],
)
def test_only_servers_of_this_machine_are_asked(address: str, local: bool) -> None:
    assert is_local(address) == local
