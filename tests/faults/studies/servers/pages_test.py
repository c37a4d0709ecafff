"""The real servers: who is let in, and that the current folder has no say."""

import http.client
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from studies.home import Home
from studies.servers.running_ui import EXPERIMENTS
from tests.conftest import MakeHome
from tests.support.accounts import FAIRTUNE
from tests.support.hostile import fill_with_hostile_files, markers
from tests.support.servers import free_port

CONFIGURATION = """
[server]
enableStaticServing = true
enableCORS = false
corsAllowedOrigins = ["http://evil.example"]
allowedHosts = ["evil.example"]
"""
WEB_SOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@dataclass
class Pages:
    """A server that was started with a token."""

    port: int
    token: str
    process: subprocess.Popen[str]

    @property
    def cookie(self) -> dict[str, str]:
        return {"Cookie": f"fairtune-{self.port}={self.token}"}

    def get(self, path: str, **headers: str) -> tuple[int, str, str]:
        """The status, the cookie that is set, and the text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with closing(connection):
            connection.request("GET", path, headers=headers)
            with connection.getresponse() as answer:
                text = "" if answer.status == 101 else answer.read().decode()
                return answer.status, answer.headers.get("Set-Cookie") or "", text

    def frame_rules(self) -> set[str]:
        """What the first page says of pages that would show it inside themselves."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request("GET", "/", headers=self.cookie)
            headers = connection.getresponse().headers
            rules = headers.get_all("X-Frame-Options", [])
            return {*rules, *headers.get_all("Content-Security-Policy", [])}


@contextmanager
def pages(command: str, home: Home, folder: Path) -> Iterator[Pages]:
    port = free_port()
    argv = [FAIRTUNE, command, "--home", str(home.path), "--port", str(port), "--token"]
    with subprocess.Popen(
        argv, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            printed = process.stdout.readline()
            found = re.search(r"/\?token=([^#\s]+)", printed)
            assert found is not None
            assert (f"{found[1]}{EXPERIMENTS} " in printed) == (command == "ui")
            pages = Pages(port, found[1], process)
            while process.poll() is None:
                try:
                    pages.get("/")
                    break
                except ConnectionRefusedError:
                    time.sleep(0.1)  # it is still starting
            yield pages
        finally:
            process.terminate()


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    folder = tmp_path / "hostile"
    fill_with_hostile_files(folder)
    (folder / ".streamlit").mkdir()
    (folder / ".streamlit" / "config.toml").write_text(CONFIGURATION)
    return folder


@pytest.mark.parametrize(("command", "socket"), [("dashboard", 101), ("ui", 403)])
def test_only_who_has_the_token_gets_in_and_the_current_folder_has_no_say(
    command: str, socket: int, hostile: Path, make_home: MakeHome, tmp_path: Path
) -> None:
    home = make_home(tmp_path / "home")
    with pages(command, home, hostile) as served:
        refusal = (
            "fairtune: open the whole address, with the token, that "
            f"`fairtune {command}` printed where it was started.\n"
        )
        assert served.get("/") == (403, "", refusal)
        assert served.get("/?token=wrong") == (403, "", refusal)
        assert served.get("/", Cookie=f"fairtune-{served.port}=wrong") == (403, "", refusal)
        status, cookie, _ = served.get(f"/?token={served.token}")
        assert status == 200
        assert cookie == f"fairtune-{served.port}={served.token}; HttpOnly; Path=/; SameSite=strict"
        assert served.get("/", **served.cookie)[0] == 200
        assert served.get("/", Authorization=f"Bearer {served.token}")[0] == 200

        stream = "/_stcore/stream"
        own = f"http://127.0.0.1:{served.port}"
        assert served.get(stream, **WEB_SOCKET, Origin=own)[0] == 403
        assert served.get(stream, **WEB_SOCKET, **served.cookie, Origin=own)[0] == socket
        for other in ("http://evil.example", "http://127.0.0.1:1", "http://localhost:1", "null"):
            headers = {**served.cookie, "Origin": other}
            assert served.get("/", **headers)[0] == 403
            assert served.get(stream, **WEB_SOCKET, **headers)[0] == 403
        assert served.get("/", **served.cookie, Host="evil.example")[0] == 403
        elsewhere = {**served.cookie, "Sec-Fetch-Site": "same-site"}
        for mode, kind in (("navigate", "iframe"), ("no-cors", "image"), ("no-cors", "script")):
            asked = {"Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": kind}
            assert served.get("/", **elsewhere, **asked)[0] == 403
        assert {"SAMEORIGIN", "frame-ancestors 'self'"} <= served.frame_rules()
        link = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        assert served.get("/", **elsewhere, **link)[0] == 200
        own_page = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "script"}
        assert served.get("/", **served.cookie, **own_page)[0] == 200

        family = psutil.Process(served.process.pid)
        for process in [family, *family.children(recursive=True)]:
            assert served.token not in " ".join(process.cmdline())
    assert markers(hostile) == set()
