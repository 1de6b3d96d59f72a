"""The fake PBX as a process: started, told what to do by its commands, ended."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from fake_zadarma.cli import main
from fake_zadarma.receiver import receiver

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, str(ROOT / "dev" / "fake_zadarma")]
KEYS = ["--key", "key", "--secret", "secret"]


@pytest.fixture(scope="module")
def server():
    # Started from elsewhere: no module may depend on the current folder.
    with subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", *KEYS],
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
    ) as process:
        try:
            line = process.stdout.readline()
            assert line.startswith("listening on http://127.0.0.1:")
            yield process, line.split()[-1]
        finally:
            process.kill()


@pytest.fixture
def run(capsys):
    """Run a command in this process: (exit code or sentence, what was printed)."""

    def run(server, *arguments):
        try:
            code = main([*arguments, "--server", server[1]])
        except SystemExit as end:
            code = end.code
        return code, capsys.readouterr().out

    return run


def test_the_page_and_the_health(server):
    assert requests.get(f"{server[1]}/healthz", timeout=5).status_code == 200
    page = requests.get(f"{server[1]}/", timeout=5)
    assert "Make a call" in page.text
    assert page.headers["Content-Security-Policy"] == "default-src 'self'"
    own = ("app.js", "calls.js", "entries.js")
    shared = ("style.css", "desk.css", "dom.js", "log.js")
    for path in (
        *(f"static/{name}" for name in own),
        *(f"shared/{name}" for name in (*shared, "icon.svg")),
    ):
        assert requests.get(f"{server[1]}/{path}", timeout=5).ok


def test_a_call_from_the_command_line(server, run):
    with receiver("secret") as hook:
        code, out = run(server, "webhook", hook.url)
        assert (code, out) == (0, f"webhooks go to {hook.url}\n")
        code, out = run(
            server, "play", "missed", "--caller", "+442079460205", "--extension", "101"
        )
        assert code == 0 and out.count("NOTIFY_") == 3
        assert hook.received[1]["fields"]["internal"] == "101"
        code, out = run(server, "call", "--caller", "+442079460205", "--json")
        number = json.loads(out)["id"]
        assert run(server, "answer", number, "--extension", "100")[0] == 0
        assert run(server, "transfer", number, "101")[0] == 0
        code, out = run(server, "hangup", number)
        assert "ended" in out
        assert hook.events[-2:] == ["NOTIFY_END", "NOTIFY_RECORD"]
        code, out = run(server, "log", "--limit", "2")
        assert [line.split()[2] for line in out.splitlines()] == [
            "NOTIFY_RECORD",
            "NOTIFY_END",
        ]


def test_a_caller_in_a_menu_from_the_command_line(server, run):
    ask = {"timeout": 9, "attempts": 9, "maxdigits": 1, "name": "m7", "default": "101"}
    with receiver("secret") as hook:
        run(server, "webhook", hook.url)
        hook.replies["NOTIFY_START"] = hook.replies["NOTIFY_IVR"] = {"wait_dtmf": ask}
        out = run(server, "call", "--caller", "+442079460206", "--json")[1]
        number = json.loads(out)["id"]
        code, out = run(server, "press", number, "2")
        assert code == 0 and "menu" in out
        code, out = run(server, "timeout", number)
        assert code == 0 and "(rings: 101)" in out
        keys = [told["fields"]["wait_dtmf"]["digits"] for told in hook.received[1:3]]
        assert keys == ["2", ""]
        run(server, "hangup", number)


def test_mistakes_are_one_sentence(server, run):
    unknown = "There is no call 99. GET /control/calls lists them."
    assert run(server, "hangup", "99") == (unknown, "")
    sentence, out = run((None, "http://127.0.0.1:9"), "day")
    assert sentence.endswith("start it with 'serve', or say --server.") and out == ""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [*COMMAND, "serve", "--port", port, *KEYS]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"Port {port}" in done.stderr and "Traceback" not in done.stderr


def test_the_command_works_from_anywhere(server):
    command = [*COMMAND, "scenarios", "--server", server[1]]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/")
    assert "click_two_ids" in done.stdout


def test_sigterm_ends_it_at_once(server):
    process, url = server
    # Something long goes on meanwhile.
    body = {"scenario": "answered", "speed": 1, "wait": False}
    requests.post(f"{url}/control/play", json=body, timeout=5)
    process.send_signal(signal.SIGTERM)
    # The scenario lasts longer.
    assert process.wait(timeout=20) == 0
