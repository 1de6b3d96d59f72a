"""What one notification of Beeline costs: beside a bare route, and the worst documents
that a stranger may post beside an ordinary one."""

import json
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from xml.sax.saxutils import escape

import requests
from measure import Bare, in_turn, ratio

from telephony.dialect import Account, Refused, Request, get

NUMBER = "+79000000201"
SUBSCRIPTION = "7c0d2e00-2222-4b00-9b00-000000000002"
KIND = "application/xml; charset=UTF-8"
LARGEST = 64 * 1024
# Parsed so often before and after: one of them takes less than a millisecond.
REPEATS = 20


def make_provider(server, sql):
    """Enter a Beeline that does not exist, subscribed; return its webhook address."""
    admin = server.login("admin")
    [country] = admin.call("res.country", "search", [("code", "=", "RU")])
    values = {
        "name": "Beeline",
        "dialect": "beeline",
        "api_key": "unused",
        "country_id": country,
        "external_url": server.url,
    }
    provider = admin.call("pbx.provider", "create", values)
    extension = {
        "provider_id": provider,
        "number": "101",
        "login": "9000000101@ip.beeline.ru",
    }
    admin.call("pbx.extension", "create", extension)
    until = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1)
    [read] = admin.call("pbx.provider", "read", [provider], ["webhook_url"])
    memory = {
        "current": {"": {"id": SUBSCRIPTION, "until": until.isoformat(), "address": ""}}
    }
    sql(
        "insert into pbx_subscription (provider_id, details, until)"
        " values (%s, %s, %s)",
        [provider, json.dumps(memory), until],
    )
    # What workers keep of it in memory is read anew.
    admin.call("pbx.provider", "write", [provider], {"keep_log": True})
    return read["webhook_url"]


def document(event, call, leg, **times):
    """Return one notification, as Beeline writes it."""
    state = {"Received": "Alerting", "Answered": "Active", "Released": "Released"}
    moments = "".join(
        f"<xsi:{name}>{int(at * 1000)}</xsi:{name}>" for name, at in times.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<xsi:Event xmlns:xsi="http://schema.broadsoft.com/xsi" '
        'xmlns:xsi1="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi1:type="xsi:SubscriptionEvent">'
        f"<xsi:eventID>{uuid4()}</xsi:eventID><xsi:sequenceNumber>1</xsi:sequenceNumber>"
        f"<xsi:subscriptionId>{SUBSCRIPTION}</xsi:subscriptionId>"
        "<xsi:targetId>9000000101@ip.beeline.ru</xsi:targetId>"
        f'<xsi:eventData xsi1:type="xsi:Call{event}Event"><xsi:call>'
        f"<xsi:callId>{leg}</xsi:callId><xsi:extTrackingId>{call}</xsi:extTrackingId>"
        "<xsi:personality>Terminator</xsi:personality>"
        f"<xsi:state>{state[event]}</xsi:state><xsi:remoteParty>"
        f'<xsi:address countryCode="7">tel:{escape(NUMBER)}</xsi:address>'
        "<xsi:callType>Network</xsi:callType></xsi:remoteParty>"
        f"{moments}</xsi:call></xsi:eventData></xsi:Event>"
    ).encode()


def against_a_bare_route(server, url, rounds):
    """Return ``{title: (figures, aim)}``: rates of each event, over a bare create."""
    http, bare = requests.Session(), Bare(server.url, "call")

    def post(body):
        began = time.perf_counter()
        answer = http.post(url, data=body, headers={"Content-Type": KIND}, timeout=30)
        answer.raise_for_status()
        return time.perf_counter() - began

    def one_round():
        call, leg, now = str(uuid4()), f"callhalf-{uuid4().int % 10**9}:0", time.time()
        begun = {"startTime": now - 60}
        lifted = {**begun, "answerTime": now - 50}
        over = {**lifted, "releaseTime": now}
        return {
            "CallReceived": post(document("Received", call, leg, **begun)),
            "CallAnswered": post(document("Answered", call, leg, **lifted)),
            "CallReleased": post(document("Released", call, leg, **over)),
            "bare": bare.post(),
        }

    times = in_turn(one_round, rounds)
    return {
        f"{name} per second / bare create of a call": (
            ratio(times["bare"], taken),
            ">= 0.60" if name != "CallAnswered" else "-",
        )
        for name, taken in times.items()
        if name != "bare"
    }


def worst_documents(rounds):
    """Return ``{title: (figures, aim)}``: the time that hostile documents of 64 KiB
    take to be refused or read, over that of an ordinary one."""
    ordinary = document("Received", "call", "leg", startTime=time.time())
    head, tail = ordinary.partition(b"<xsi:eventID>")[0], b"</xsi:Event>"
    room = LARGEST - len(head) - len(tail)
    attributes = b" ".join(b'a%d="%d"' % (n, n) for n in range(room // 16))
    worst = {
        "nested": b"<a>" * (room // 3),
        "empty elements": b"<a/>" * (room // 4),
        "one element's attributes": b"<a " + attributes[: room - 10] + b"/>",
        "namespaces": b"<a " + b" ".join(
            b'xmlns:n%d="u%d"' % (n, n) for n in range(room // 24)) + b"/>",
        "1,900 elements": b"<a/>" * 1900,
        "calls": b"<xsi:eventData>" + b"<xsi:call/>" * 1900 + b"</xsi:eventData>",
        "a long text": b"<xsi:userId>" + b"&#65;" * (room // 6) + b"</xsi:userId>",
        "references": b"<xsi:name>" + b"&#x41;" * (room // 7) + b"</xsi:name>",
        "a comment": b"<!--" + b"- " * (room // 2 - 10) + b"-->",
        "addresses without an end": (
            b"<!--" + b"<uri>" * 3900 + b" " * (room - 3900 * 5 - 10) + b"-->"),
    }  # fmt: skip
    bodies = {name: (head + inner + tail)[:LARGEST] for name, inner in worst.items()}
    bodies["an ordinary one"] = ordinary
    dialect = get("beeline")
    # What is kept of a document costs the most.
    account = Account(options={"keep_log": True}, memory={"current": {"": {"id": SUBSCRIPTION, "until": "2099-01-01T00:00:00", "address": ""}}})  # fmt: skip # noqa: E501

    def parse(body):
        request = Request("POST", {"content-type": KIND}, {}, body)
        began = time.perf_counter()
        for _ in range(REPEATS):
            try:
                dialect.check(request, account)
            except Refused:
                continue
        return time.perf_counter() - began

    times = in_turn(
        lambda: {name: parse(body) for name, body in bodies.items()},
        max(rounds // 10, 5),
        warm_up=2,
    )
    usual = times.pop("an ordinary one")
    return {
        f"64 KiB of {name} / an ordinary document": (ratio(taken, usual), "-")
        for name, taken in times.items()
    }
