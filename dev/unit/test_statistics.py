"""Rows of the history, in all forms in which the protocol sheet (3.5) has seen them."""

from datetime import datetime, timedelta

import pytest
from cases import CALL_START, CLIENT, IN, LINE, OUT, START, ZONE

from telephony.call import derive
from telephony.dialect import Account
from telephony.event import (
    ANSWERED,
    ENDED,
    INBOUND,
    LOGGED,
    OFFERED,
    OUTBOUND,
    CallEvent,
)
from telephony.facts import CallFacts
from telephony.zadarma import statistics

FETCHED = START + timedelta(days=1)
LIVE = {
    "call_id": "1779868800.123456",
    "sip": "100",
    "callstart": CALL_START,
    "clid": f'"{CLIENT}" <{CLIENT}>',
    "destination": int(LINE[1:]),
    "disposition": "answered",
    "seconds": 134,
    "is_recorded": "true",
    "pbx_call_id": IN,
}
SPEC = {
    **LIVE,
    "sip": 100,
    "clid": int(CLIENT[1:]),
    "seconds": "134",
    "is_recorded": True,
}
OUTGOING = {
    **LIVE,
    "pbx_call_id": OUT,
    "clid": "Anna (100)",
    "destination": int(CLIENT[1:]),
}


def read(*rows):
    return statistics.read(rows, FETCHED, ZONE)


def one(row=LIVE, **changes):
    [event] = read({**row, **changes})
    return event


def test_the_two_forms_are_the_same_event():
    assert one(LIVE) == one(SPEC)
    event = one()
    assert (event.kind, event.ref, event.direction) == (LOGGED, IN, INBOUND)
    assert (event.caller, event.called, event.extension) == (CLIENT, LINE, "100")
    assert (event.started, event.talk) == ((START,), 134)
    assert (event.disposition, event.said) == ("answered", "answered")
    assert (event.recording, event.own_leg) == ("1779868800.123456", False)


@pytest.mark.parametrize(
    "clid, caller",
    [
        (f'"Anna" <{CLIENT}>', CLIENT),
        (f"Anna ({CLIENT[1:]})", CLIENT),
        (f"Anna (mobile) ({CLIENT[1:]})", CLIENT),
        (f'"Anna <3" <{CLIENT}>', CLIENT),
        (CLIENT[1:], CLIENT),
        (int(CLIENT[1:]), CLIENT),
        (f'"{CLIENT}" <>', CLIENT),
        ("Anna (101)", "101"),
        ("101", "101"),
        (101, "101"),
        ("", ""),
        (0, ""),
        (None, ""),
        ("anonymous", ""),
        ('"anonymous" <anonymous>', ""),
        ('"Anna" <unknown>', ""),
        ([], ""),
        (True, ""),
    ],
)
def test_who_called(clid, caller):
    assert one(clid=clid).caller == caller


@pytest.mark.parametrize(
    "sip, extension",
    [("100", "100"), (100, "100"), ("123456-100", "100"), ("0", ""), (0, ""),
     ("", ""), (None, ""), ("abc", ""), ({}, ""), (CLIENT, "")],
)  # fmt: skip
def test_who_was_rung(sip, extension):
    assert one(sip=sip).extension == extension


def test_an_outgoing_call():
    event = one(OUTGOING)
    assert (event.direction, event.caller, event.called) == (OUTBOUND, "100", CLIENT)
    assert (event.extension, event.own_leg) == ("100", False)


def test_a_row_whose_sip_is_its_destination_is_our_own_leg():
    for destination in (100, "100", "123456-100"):
        event = one(OUTGOING, destination=destination)
        assert (event.own_leg, event.called, event.extension) == (True, "", "100")
    # A colleague calls that phone; and from outside it may well be told like that.
    assert not one(OUTGOING, clid="Ben (101)", destination=100).own_leg
    assert not one(destination=100).own_leg


@pytest.mark.parametrize(
    "changes, direction",
    [
        ({"clid": "Anna (101)"}, OUTBOUND),
        ({}, INBOUND),
        ({"sip": "0", "destination": 100}, INBOUND),
        ({"sip": "0"}, ""),
    ],
)
def test_an_id_that_does_not_tell_the_direction(changes, direction):
    assert one(pbx_call_id="5a1c", **changes).direction == direction


@pytest.mark.parametrize(
    "said, disposition",
    [
        ("answered", "answered"),
        ("busy", "busy"),
        ("cancel", "cancelled"),
        ("no answer", "no_answer"),
        ("no answered", "no_answer"),
        ("call failed", "failed"),
        ("failed", "failed"),
        ("no money", "failed"),
        ("unallocated number", "failed"),
        ("no limit", "failed"),
        ("no day limit", "failed"),
        ("line limit", "failed"),
        ("no money, no limit", "failed"),
        ("a word of tomorrow", "failed"),
        ("", ""),
        (None, ""),
    ],
)
def test_words(said, disposition):
    event = one(disposition=said)
    assert (event.disposition, event.said) == (disposition, said or "")


@pytest.mark.parametrize(
    "seconds, talk",
    [(0, 0), ("0", 0), (7, 7), ("7", 7), (-1, None), ("-1", None), ("7.5", None),
     ("", None), (None, None), (True, None), ("9" * 30, None), ([], None)],
)  # fmt: skip
def test_seconds(seconds, talk):
    assert one(seconds=seconds).talk == talk


@pytest.mark.parametrize(
    "told, recording",
    [("true", True), (True, True), ("1", True), (1, True), ("false", False),
     (False, False), (None, False), ("perhaps", False)],
)  # fmt: skip
def test_recordings(told, recording):
    event = one(is_recorded=told, disposition="cancel")
    assert bool(event.recording) is recording


def test_the_id_in_the_middle_of_a_file_s_name():
    stem = "123456-1779468006.167708-102-2026-05-22-184007"
    assert one(call_id=stem).recording == "1779468006.167708"
    assert one(call_id="1779468006.167700").recording == "1779468006.167700"
    assert one(call_id="x" * 300).recording == ""


@pytest.mark.parametrize(
    "callstart, started",
    [
        (CALL_START, (START,)),
        ("", ()),
        (None, ()),
        ("0000-00-00 00:00:00", ()),
        (1779868800, ()),
    ],
)
def test_starts(callstart, started):
    assert one(callstart=callstart).started == started


@pytest.mark.parametrize("ref", ["", None, "  ", 0.5, [], True, "x" * 201])
def test_a_row_of_no_call_is_passed_over_and_its_neighbours_are_not(ref):
    told = read(LIVE, {**LIVE, "pbx_call_id": ref}, OUTGOING)
    assert [event.ref for event in told] == [IN, OUT]
    broken = [None, [], "x", 7, {}, {"pbx_call_id": "in_b", "clid": {}}]
    told = read(LIVE, *broken, OUTGOING)
    assert [event.ref for event in told] == [IN, "in_b", OUT]


def test_the_order_of_the_rows_is_that_of_the_receipts():
    told = read(LIVE, OUTGOING, {**LIVE, "sip": "101"})
    receipts = [event.received_at for event in told]
    assert receipts == sorted(set(receipts)) and receipts[0] == FETCHED


class FakeClient:
    """As much of a client as paging wants."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    account = Account(zone=ZONE)

    def statistics(self, start, end, skip=0):
        self.asked.append((start, end, skip))
        return self.answers.pop(0)


class TestCut:
    """A PBX that looks at less than it was asked for says so in its answer."""

    BEGIN, STOP = datetime(2026, 5, 1), datetime(2026, 5, 20)

    def fetch(self, client, page=None):
        return statistics.fetch(client, self.BEGIN, self.STOP, page)

    def test_the_rest_is_asked_for_anew(self):
        client = FakeClient(([LIVE], "2026-05-08 00:00:00"), ([], None))
        first = self.fetch(client)
        assert first.until == datetime(2026, 5, 7, 19)
        last = self.fetch(client, first.next)
        assert (last.next, last.until) == (None, self.STOP)
        assert client.asked[1] == ("2026-05-07 20:00:00", "2026-05-20 05:00:00", 0)

    @pytest.mark.parametrize(
        "told", [None, "", "nonsense", "2026-05-20 05:00:00", "2026-05-20 03:00:00"]
    )
    def test_the_end_of_now_is_no_cut(self, told):
        page = self.fetch(FakeClient(([], told)))
        assert (page.next, page.until) == (None, self.STOP)

    def test_it_gets_on_or_says_so(self):
        with pytest.raises(statistics.errors.BadAnswer):
            self.fetch(FakeClient(([], "2026-05-01 03:00:00")))


MOBILE = 447700900123
A_MINUTE_LATER = (datetime.fromisoformat(CALL_START) + timedelta(minutes=1)).isoformat(
    " "
)


@pytest.mark.parametrize("row", (LIVE, SPEC))
@pytest.mark.parametrize("order", (1, -1))
def test_to_whom_a_call_is_forwarded_is_no_line(row, order):
    """Whichever row is listed first, and however its caller is written."""
    onward = {**row, "destination": MOBILE, "callstart": A_MINUTE_LATER}
    call = derive(CallFacts(read(*[row, onward][::order])))
    assert (call.number, call.line) == (CLIENT, LINE)
    assert call.doubtful_lines == (LINE, f"+{MOBILE}")


def test_an_extension_that_forwards_names_no_line():
    event = one(clid="Anna (100)", destination=MOBILE)
    assert (event.direction, event.called) == (INBOUND, "")
    assert one(clid="Anna (100)", destination=101).called == "101"


def test_what_an_event_names_is_the_line():
    """History is not asked."""
    offered = CallEvent(
        OFFERED, IN, START, direction=INBOUND, caller=CLIENT, called=LINE
    )
    call = derive(CallFacts([offered, one(destination=MOBILE)]))
    assert (call.line, call.doubtful_lines) == (LINE, ())


def test_what_somebody_lifted_is_no_line():
    """NOTIFY_ANSWER names whom the call was forwarded to; the end names the line."""
    values = {"direction": INBOUND, "caller": CLIENT}
    lifted = CallEvent(ANSWERED, IN, START, called=f"+{MOBILE}", **values)
    call = derive(CallFacts([lifted]))
    assert call.doubtful_lines == (f"+{MOBILE}",)
    ended = CallEvent(ENDED, IN, START, called=LINE, **values)
    for events in ([lifted, ended], [ended, lifted]):
        call = derive(CallFacts(events))
        assert (call.line, call.doubtful_lines) == (LINE, ())
    call = derive(CallFacts([lifted, one()]))
    assert set(call.doubtful_lines) == {LINE, f"+{MOBILE}"}
