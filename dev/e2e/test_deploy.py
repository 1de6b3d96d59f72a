"""docs/deploy at work: nginx by TLS in front of two Odoo servers with workers.

The images of Docker cannot be had everywhere. So nginx is Debian's, and Odoo the one of
the other tests; the configurations are the shipped ones, and the addon's folder holds
what the image would.
"""

import contextlib
import functools
import os
import re
import select
import signal
import socket
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import log
import pytest
from beeline_fixtures import Beeline
from browser import Browsers, launch
from playwright.sync_api import expect
from posting import post, render, session

from lib import beeline_pbx, nginx, pbx, setup
from lib.deploy import DeployedOdoo, copy_addon
from lib.servers import NginxServer
from server import Odoo
from telephony.http.forms import MAX_BODY_BYTES

KNOWN, NAME = "+442079460201", "Amelia Whitlock"  # in the demo data
STRANGER = "203.0.113.9"
THREADS, AT_ONCE = 8, 40
# More than nginx lets through in a row (60), and in what time this takes.
GUESSES = 150
PATIENCE_SECONDS = 60
MEGABYTE = 1024 * 1024
LINE = re.compile(r'^\S+ \[\S+\] "(?P<method>\S+) (?P<path>[^"]*)" (?P<status>\d+) ')


class Server(DeployedOdoo, Odoo):
    """One whose database the test can look into."""


class Deployment:
    """nginx, two Odoo servers, and a cloud PBX whose address leads to nginx."""

    def __init__(self, instance, servers):
        folder = instance.folder / "deploy"
        kind = functools.partial(Server, addons=copy_addon(folder / "addons"))
        first = servers.start(workers=2, kind=kind)
        second = kind(
            *(instance, first.database),
            log=instance.folder / f"{first.database}-second.log",
            workers=2,
        )
        self.odoo, self.second = first, second
        self.nginx = NginxServer(
            setup.proxy(), instance.folder / "deploy-nginx", [first, second]
        )
        try:
            second.start()
            self.nginx.start()
            self.admin = first.login("admin")
            self.provider = pbx.find_provider(self.admin)
            address = {"external_url": self.nginx.https_url}
            self.admin.call("pbx.provider", "write", [self.provider], address)
            fields = ["webhook_url", "api_secret", "tz"]
            [values] = self.admin.call("pbx.provider", "read", [self.provider], fields)
        except BaseException:
            self.stop()
            raise
        self.url, self.secret = values["webhook_url"], values["api_secret"]
        self.zone = values["tz"]
        self.token = self.url.rpartition("/")[2]

    def stop(self):
        self.nginx.stop()
        self.second.stop()

    @property
    def servers(self):
        return {f"127.0.0.1:{one.port}" for one in (self.odoo, self.second)}

    def client(self):
        client = session()
        client.verify = str(self.nginx.certificate)
        return client

    def render(self, scenario, **parameters):
        """(id, events) of a call that begins now."""
        events = render(scenario, self.secret, zone=self.zone, **parameters)
        return events[0]["fields"]["pbx_call_id"], events

    def play(self, events):
        """Post a call's events over one connection; the statuses."""
        with self.client() as client:
            return [post(self.url, event, client).status for event in events]

    def asked(self, mark=0):
        """The requests of nginx's log: (method, path, status, last server)."""
        found = []
        for line in self.nginx.log_text()[mark:].splitlines():
            if parts := LINE.match(line):
                found.append((*parts.groups(), line.rpartition(" ")[2]))
        return found

    def webhooks(self, mark):
        return [one for one in self.asked(mark) if one[:2] == ("POST", "/pbx/***")]

    def wait_webhooks(self, mark, count):
        """The same, once there are so many: nginx logs what it has answered."""
        what = f"{count} webhooks are logged"
        log.until(lambda: len(self.webhooks(mark)) >= count, PATIENCE_SECONDS, what)
        return self.webhooks(mark)


@pytest.fixture(scope="module")
def deployed(instance, servers):
    deployment = Deployment(instance, servers)
    yield deployment
    deployment.stop()


@pytest.fixture
def client(deployed):
    with deployed.client() as client:
        yield client


def test_nginx_accepts_the_configuration(deployed):
    done = subprocess.run(
        deployed.nginx.command("-t"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "[" not in done.stderr  # such as [warn]


def test_a_call_whose_events_go_to_both_servers_is_one_call(deployed, client):
    mark = len(deployed.nginx.log_text())
    ref, events = deployed.render("answered", caller="+441614969001")
    assert {post(deployed.url, event, client).status for event in events} == {200}
    asked = deployed.wait_webhooks(mark, len(events))
    assert [status for _method, _path, status, _server in asked] == ["200"] * len(
        events
    )
    assert {server for *_rest, server in asked} == deployed.servers
    [call] = log.calls(deployed.admin, [("number", "=", "+441614969001")])
    assert (call["ref"], call["state"], call["outcome"]) == (ref, "done", "answered")
    assert (call["talk_seconds"], list(call["legs"])) == (34, ["100"])
    assert len(call["recordings"]) == 1


def test_many_calls_at_once_are_neither_lost_nor_doubled(deployed):
    """Nor refused: the limit of requests is for passwords."""
    calls = dict(
        deployed.render("transfer", caller=f"+4416149691{number:02}")
        for number in range(AT_ONCE)
    )

    with ThreadPoolExecutor(THREADS) as pool:
        statuses = [
            one for each in pool.map(deployed.play, calls.values()) for one in each
        ]
    sent = sum(map(len, calls.values()))
    assert statuses == [200] * sent
    log.wait_applied(deployed.odoo)
    kept = deployed.odoo.sql(
        "select count(*), count(distinct digest), bool_and(state = 'done')"
        " from pbx_event where ref = any(%s)",
        [list(calls)],
    )
    assert kept == [(sent, sent, True)]
    found = deployed.odoo.sql(
        "select ref, outcome, talk_seconds from pbx_call"
        " where number like '+4416149691%%'"
    )
    assert sorted(found) == sorted((ref, "answered", 34) for ref in calls)


# ----------------------------------------------------------------------------- people


def test_a_call_on_desks_of_both_servers(deployed, chromium, client):
    """Each page has its websocket at another server, and both hear of one event."""
    mark = len(deployed.nginx.log_text())
    front = SimpleNamespace(url=deployed.nginx.https_url, login=deployed.odoo.login)
    # The websocket is opened by a worker, to which no page's options apply.
    trusting = launch(chromium.browser_type, "--ignore-certificate-errors")
    browsers = Browsers(trusting, front)
    _ref, events = deployed.render("ring_group", caller=KNOWN)
    start, first, second, answer, end, *_rest = events
    try:
        desks = [browsers.one(user) for user in ("admin", "demo")]
        for event in (start, first, second):
            assert post(deployed.url, event, client).status == 200
        for desk in desks:
            card = desk.card("ringing")
            card.get_by_role("heading").get_by_text(NAME, exact=True).wait_for()
        assert post(deployed.url, answer, client).status == 200
        desks[0].card("ongoing")
        # What another one took is shown for some seconds, then it is gone.
        expect(desks[1].page.locator("[data-state=ringing]")).to_have_count(0)
        assert not browsers.told()
    finally:
        assert post(deployed.url, end, client).status == 200
        browsers.close()
        trusting.close()
    # nginx logs them when they are closed.
    websockets = {
        f"127.0.0.1:{one.websocket_port}" for one in (deployed.odoo, deployed.second)
    }
    log.until(
        lambda: (
            {
                server
                for _method, path, status, server in deployed.asked(mark)
                if (path, status) == ("/websocket", "101")
            }
            == websockets
        ),
        *(30, "a websocket at each server"),
    )


def test_passwords_cannot_be_tried_out_fast(deployed, client):
    with contextlib.ExitStack() as stack:
        tries = [
            announce(stack, deployed, "/web/session/authenticate", 100)
            for _ in range(GUESSES)
        ]
        # nginx waits for what most of them would send, and answers those it refuses.
        refused, _writable, _broken = select.select(tries, [], [], PATIENCE_SECONDS)
        assert {status(one) for one in refused} == {429}
    # Looking at the page is not trying, and what a PBX posts is not counted.
    page = client.get(f"{deployed.nginx.https_url}/web/login", timeout=60)
    assert page.status_code == 200
    [cookie] = [one for one in page.cookies if one.name == "session_id"]
    assert cookie.secure and cookie.get_nonstandard_attr("SameSite") == "Lax"
    assert page.headers["Strict-Transport-Security"]
    assert post(deployed.url, deployed.render("missed")[1][0], client).status == 200


def announce(stack, deployed, path, length):
    """Say that so much is coming, and send nothing of it; the connection."""
    context = ssl.create_default_context(cafile=deployed.nginx.certificate)
    # A later version sends something of its own, which would look like an answer.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    where = ("127.0.0.1", deployed.nginx.https_port)
    plain = socket.create_connection(where, timeout=PATIENCE_SECONDS)
    secure = context.wrap_socket(plain, server_hostname=nginx.DOMAIN)
    stack.enter_context(secure)
    host = f"{nginx.DOMAIN}:{deployed.nginx.https_port}"
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n"
    secure.sendall(head.encode())
    return secure


def status(connection):
    return int(connection.recv(4096).split()[1])


def test_what_is_closed(deployed, client):
    base = deployed.nginx.https_url
    databases = client.get(f"{base}/web/database/manager", timeout=60)
    assert databases.status_code == 403
    # Another host name: no certificate by its name, no answer by its header.
    context = ssl.create_default_context(cafile=deployed.nginx.certificate)
    where = ("127.0.0.1", deployed.nginx.https_port)
    with socket.create_connection(where, timeout=60) as plain:
        with pytest.raises(ssl.SSLError, match="unrecognized"):
            context.wrap_socket(plain, server_hostname="evil.example.com")
    with pytest.raises(OSError, match="aborted"):
        client.get(
            f"{base}/web/login", headers={"Host": "evil.example.com"}, timeout=60
        )
    # By plain HTTP nothing is taken, and the PBX learns where to go.
    plain = f"{deployed.nginx.url}/pbx/zadarma/{deployed.token}"
    ref, [start, *_rest] = deployed.render("missed")
    assert post(plain, start).status == 301
    assert not log.inbox(deployed.odoo, deployed.provider, [ref])


# --------------------------------------------------------------------------- webhooks


def test_the_sender_s_address_cannot_be_forged(deployed, client, instance):
    values = {"name": "Beeline", "beeline_sources": STRANGER}
    path = instance.folder / f"{deployed.odoo.database}-beeline.log"
    front = SimpleNamespace(url=deployed.nginx.https_url)
    python = instance.tools.venv.python
    exchange, provider = beeline_pbx.introduce(
        front, python, path, deployed.admin, **values
    )
    try:
        beeline = Beeline(deployed.odoo, exchange, provider, deployed.admin)
        truth, [body, *_rest] = beeline.render("answered")
        headers = {"Content-Type": "application/xml; charset=UTF-8"}
        for name in ("X-Forwarded-For", "X-Real-IP", "Client-IP"):
            headers[name] = STRANGER
        headers["Forwarded"] = f"for={STRANGER}"
        event = {"body": body, "headers": headers}
        answers = {
            post(provider["webhook_url"], event, client).status for _ in range(4)
        }
        assert answers == {403}
        # The address that nginx sees is believed, whatever else is said.
        beeline.write(beeline_sources="127.0.0.1")
        answers = {
            post(provider["webhook_url"], event, client).status for _ in range(4)
        }
        assert answers == {200}
        assert len(log.inbox(deployed.odoo, provider["id"], [truth["ref"]])) == 1
    finally:
        exchange.stop()
        deployed.admin.call(
            "pbx.provider", "write", [provider["id"]], {"active": False}
        )


def test_what_is_too_large_is_refused(deployed, client):
    """By nginx, which keeps it from Odoo; what is just not too large reaches Odoo."""
    mark = len(deployed.nginx.log_text())
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    largest = {"headers": headers, "body": b"x" * MAX_BODY_BYTES}
    larger = {**largest, "body": b"x" * (MAX_BODY_BYTES + 1)}
    assert post(deployed.url, largest, client).status in (400, 403)
    assert post(deployed.url, larger, client).status == 413
    # A refused one is logged when its sender has gone.
    [*_rest, reached], [*_rest, refused] = deployed.wait_webhooks(mark, 2)
    assert reached in deployed.servers and refused == "-"
    with contextlib.ExitStack() as stack:
        path = "/web/dataset/call_kw"
        assert status(announce(stack, deployed, path, 129 * MEGABYTE)) == 413


# ------------------------------------------------- the last ones: servers are killed


def test_one_server_is_killed(deployed):
    """What it was asked is asked again at the other one, though it is posted."""
    calls = dict(
        deployed.render("answered", caller=f"+4416149692{number:02}")
        for number in range(THREADS)
    )

    os.killpg(deployed.second.process.pid, signal.SIGSTOP)
    with ThreadPoolExecutor(THREADS) as pool:
        played = [pool.submit(deployed.play, events) for events in calls.values()]
        what = "an event that the stopped server has not read"
        log.until(lambda: has_unread(deployed.second.port), PATIENCE_SECONDS, what)
        deployed.second.kill()
        statuses = [one for each in played for one in each.result()]
    assert statuses == [200] * sum(map(len, calls.values()))
    log.wait_applied(deployed.odoo)
    found = deployed.odoo.sql(
        "select ref, outcome, talk_seconds from pbx_call"
        " where number like '+4416149692%%'"
    )
    assert sorted(found) == sorted((ref, "answered", 34) for ref in calls)


def has_unread(port):
    """Whether a connection to this port brought something that nobody has read."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _number, local, _remote, state, queues, *_rest = line.split()
        is_established = state == "01" and int(local.partition(":")[2], 16) == port
        if is_established and int(queues.partition(":")[2], 16):
            return True
    return False


def test_the_token_stands_in_no_log(deployed, client):
    """However it is written, and whatever goes wrong; not even when nobody is there."""
    token, mark = deployed.token, len(deployed.nginx.log_text())
    base = deployed.nginx.https_url
    for path in (
        f"/pbx/zadarma/{token}?zd_echo={token}",
        f"//pbx//zadarma/{token}/",
        f"/%70bx%2fzadarma/{token}",
        f"/PBX/zadarma/{token}",
        f"/pbxzadarma/{token}",
        f"/pbx/{token}",
    ):
        client.get(base + path, timeout=60)
        client.get(deployed.nginx.url + path, timeout=60, allow_redirects=False)
    # A browser that was led to the address says so when it asks for the icon.
    client.get(f"{base}/favicon.ico", headers={"Referer": deployed.url}, timeout=60)
    with contextlib.ExitStack() as stack:
        path = f"/pbx/zadarma/{token}"
        assert status(announce(stack, deployed, path, 2 * MEGABYTE)) == 413
    deployed.odoo.kill()
    _ref, [start, *_rest] = deployed.render("missed")
    assert post(deployed.url, start, client).status == 502
    what = "all are logged"
    log.until(lambda: len(deployed.asked(mark)) >= 15, PATIENCE_SECONDS, what)
    for server in (deployed.nginx, deployed.odoo, deployed.second):
        assert token not in server.log_text(), server.log
    assert "/pbx/***" in deployed.nginx.log_text()[mark:]
    # That it is nginx's own errors which would name it, and that they are silent.
    assert not re.search(r"^\d{4}/.*pbx", deployed.nginx.log_text(), re.M)
