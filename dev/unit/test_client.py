"""What Zadarma is asked for, against the fake PBX, in both modes of its answers.

The fixtures are in ``conftest.py``: after every test the fake PBX's log must be
without a problem, so each request keeps to the OpenAPI document and its corrections.
"""

import socket
from datetime import UTC, datetime, timedelta

import pytest
from fake_account import CLIENT, ZADARMA, asked, rows_at, spoil

from telephony import dialect, errors
from telephony.dialect import Balance, Extension, Line

NOW = datetime.now(UTC).replace(tzinfo=None)
DAY = timedelta(days=1)
OWN_NAMES = ("start", "internal", "answer", "end", "out_start", "out_end")


# -- the account -----------------------------------------------------------------------


@pytest.mark.parametrize("amount", [12.5, 0, -3, 10.34])
def test_the_balance_is_the_text_that_was_told(pbx, account, amount):
    pbx.account.balance = amount
    assert ZADARMA.fetch_balance(account) == Balance(str(amount), "USD")


@pytest.mark.parametrize(
    "zone, offset",
    [("UTC", "UTC+0"), ("Asia/Kolkata", "UTC+5:30"), ("America/Caracas", "UTC-4")],
)
def test_the_offset_is_one_that_can_be_read(pbx, account, zone, offset):
    pbx.account.zone = zone
    assert ZADARMA.fetch_offset(account) == offset
    assert dialect.fixed_zone(offset)


def test_extensions_are_listed_and_described(pbx, account):
    listed = ZADARMA.fetch_extensions(account)
    assert [one.number for one in listed] == ["100", "101"]
    assert not any(one.detailed for one in listed)
    assert len(asked(pbx)) == 1
    pbx.account.extensions["101"]["online"] = False
    assert ZADARMA.fetch_extension(account, "101") == Extension(
        "101", "Sales", "+442079460900", online=False
    )
    assert ZADARMA.fetch_online(account, "100") is True
    assert ZADARMA.fetch_online(account, "101") is False


@pytest.mark.parametrize("number", ["", "0", "../../info", "12345678", "100?x=1"])
def test_what_is_no_extension_is_not_asked_for(pbx, account, number):
    for fetch in (ZADARMA.fetch_extension, ZADARMA.fetch_online):
        with pytest.raises(errors.BadParameter):
            fetch(account, number)
    assert asked(pbx) == []


def test_an_unknown_extension_is_a_readable_error(account):
    with pytest.raises(errors.PbxError):
        ZADARMA.fetch_online(account, "999")


def test_lines_are_e164(account):
    assert ZADARMA.fetch_lines(account) == [
        Line("+442079460900", "Main line"),
        Line("+442079460901", "Support"),
    ]


# -- setting up ------------------------------------------------------------------------


def test_notifications_are_switched_one_by_one(pbx, account):
    ZADARMA.switch_notifications(account, {"start": False, "out_end": False})
    told = ZADARMA.fetch_setup(account).notifications
    assert told == {name: name not in ("start", "out_end") for name in OWN_NAMES}
    ZADARMA.switch_notifications(account, {"start": True})
    assert ZADARMA.fetch_setup(account).notifications["start"] is True
    assert pbx.account.notifications["notify_out_end"] == "false"


def test_an_address_that_does_not_echo_is_refused(pbx, account):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{probe.getsockname()[1]}/pbx/zadarma/tok-secret"
    with pytest.raises(errors.BadParameter) as caught:
        ZADARMA.connect(account.__class__(**{**vars(account), "webhook_url": closed}))
    assert caught.value.detail and "tok-secret" not in caught.value.detail
    assert ZADARMA.fetch_setup(account).url == ""


def test_an_address_is_told_and_forgotten(pbx, account):
    pbx.account.callinfo_url = "https://other.example.com/zadarma"
    assert ZADARMA.fetch_setup(account).url == "https://other.example.com/zadarma"
    ZADARMA.disconnect(account)
    assert ZADARMA.fetch_setup(account).url == ""


# -- dialling --------------------------------------------------------------------------


@pytest.mark.parametrize("line, sip", [("", "100"), ("101", "101"), ("00001", "00001")])
def test_a_call_is_asked_for_with_its_plus(pbx, account, line, sip):
    pbx.account.click["auto"] = False
    assert ZADARMA.dial(account, "100", CLIENT, line) == ""
    [entry] = asked(pbx)
    assert entry["path"] == "/v1/request/callback/"
    told = {name: entry["params"][name] for name in ("from", "to", "sip")}
    assert told == {"from": "100", "to": CLIENT, "sip": sip}


@pytest.mark.parametrize("kind", ["500", "truncated", "html", "empty", "timeout"])
def test_a_call_is_never_asked_for_twice(pbx, account, kind, monkeypatch):
    monkeypatch.setattr("telephony.http.session.TIMEOUT_SECONDS", (2, 0.3))
    pbx.account.click["auto"] = False
    spoil(pbx, kind, seconds=0.6)
    with pytest.raises((errors.Unreachable, errors.BadAnswer)):
        ZADARMA.dial(account, "100", CLIENT)
    assert len([e for e in asked(pbx) if "callback" in e["path"]]) <= 1


# -- recordings ------------------------------------------------------------------------


def test_a_recording_has_a_link_that_needs_no_key(pbx, account):
    pbx.control("POST", "/play", {"scenario": "answered"})
    [row] = pbx.account.rows
    link = ZADARMA.fetch_recording(account, row["pbx_call_id"], row["call_id"]).url
    assert link.startswith(pbx.url + "/v1/pbx/record/download/")
    assert pbx.send("GET", link).content.startswith(b"ID3")
    # Where the recording's own id is not known.
    assert ZADARMA.fetch_recording(account, row["pbx_call_id"], "").url.startswith(
        pbx.url
    )


def test_a_recording_that_is_not_there_is_not_found(account):
    with pytest.raises(errors.NotFound):
        ZADARMA.fetch_recording(account, "", "1779868800.1234567")


# -- history ---------------------------------------------------------------------------


def all_pages(account, start, stop):
    pages = [ZADARMA.fetch_history(account, start, stop)]
    while pages[-1].next:
        pages.append(ZADARMA.fetch_history(account, start, stop, pages[-1].next))
        assert len(pages) < 50
    return pages


def refs(pages):
    return {event.ref for page in pages for event in page.events}


def test_every_digit_of_an_id_arrives(pbx, account):
    rows_at(pbx, "2026-06-01 10:00:00", is_recorded=True)
    [page] = all_pages(account, datetime(2026, 6, 1), datetime(2026, 6, 2))
    [event] = page.events
    assert event.recording == "1779868800.123450"
    assert event.started == (datetime(2026, 6, 1, 9, 0),)


def test_a_long_period_is_asked_for_in_parts_that_leave_nothing_out(pbx, account):
    moments = [datetime(2026, 1, 1) + i * timedelta(hours=5) for i in range(800)]
    rows_at(pbx, *(moment.strftime("%Y-%m-%d %H:%M:%S") for moment in moments))
    start, stop = datetime(2026, 1, 1), datetime(2026, 6, 15)
    pages = all_pages(account, start, stop)
    assert len(refs(pages)) == len(
        [m for m in moments if m < stop + timedelta(hours=3)]
    )
    for entry in asked(pbx):
        first, last = (entry["params"][name] for name in ("start", "end"))
        span = datetime.fromisoformat(last) - datetime.fromisoformat(first)
        # No month is shorter.
        assert span <= timedelta(days=28)
        assert (entry["reply"]["start"], entry["reply"]["end"]) == (first, last)
    until = [page.until for page in pages]
    assert until == sorted(until) and until[-1] == stop


def test_pages_of_a_thousand_rows(pbx, account):
    moments = [datetime(2026, 6, 1) + timedelta(seconds=i) for i in range(2500)]
    rows_at(pbx, *(str(moment) for moment in moments))
    start, stop = datetime(2026, 5, 31), datetime(2026, 6, 3)
    first = ZADARMA.fetch_history(account, start, stop)
    assert (first.rows, first.until) == (1000, start)
    # New calls, and a later end, do not move what is being read.
    rows_at(pbx, "2026-06-02 10:00:00", pbx_call_id="in_new")
    second = ZADARMA.fetch_history(account, start, stop + DAY, first.next)
    third = ZADARMA.fetch_history(account, start, stop + DAY, second.next)
    assert [page.rows for page in (second, third)] == [1000, 501]
    assert third.until == stop
    last = ZADARMA.fetch_history(account, start, stop + DAY, third.next)
    assert (last.next, last.until) == (None, stop + DAY)
    assert len(refs([first, second, third])) == 2501


@pytest.mark.parametrize(
    "day, hours",
    [
        # Summer time ends, begins, and a usual day.
        (datetime(2026, 10, 25), ("00:30:00", "01:30:00", "02:30:00")),
        (datetime(2026, 3, 29), ("00:30:00", "02:30:00")),
        (datetime(2026, 6, 1), ("00:30:00",)),
    ],
)
def test_no_hour_falls_between_two_questions(pbx, account, day, hours):
    rows_at(pbx, *(f"{day:%Y-%m-%d} {hour}" for hour in hours))
    # Wherever the boundary lies, also in the hour that is there twice.
    for minute in range(-120, 240, 10):
        border = day + timedelta(minutes=minute)
        pages = [
            ZADARMA.fetch_history(account, border - DAY, border),
            ZADARMA.fetch_history(account, border, border + DAY),
        ]
        assert len(refs(pages)) == len(hours)


def test_an_account_whose_clock_is_an_hour_off_loses_nothing(pbx, account):
    pbx.account.zone = "Europe/Berlin"
    moment = datetime(2026, 6, 1, 10)
    rows_at(pbx, "2026-06-01 12:00:00")
    pages = all_pages(account, moment, moment + DAY)
    assert len(refs(pages)) == 1


def test_nothing_is_asked_for_an_empty_period(pbx, account):
    page = ZADARMA.fetch_history(account, NOW, NOW)
    assert (page.events, page.next, page.until) == ((), None, NOW)
    assert asked(pbx) == []
