"""Past calls: pages of records and of statistics, and what each row tells."""

import json
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from beeline_account import BEELINE, TOKEN, account_at, asked, spoil
from beeline_bodies import ANNA, BEN, A
from hypothesis import given
from hypothesis import strategies as st

from fake_beeline.running import running
from fake_beeline.scenarios import plan
from telephony import errors
from telephony.beeline import history
from telephony.beeline.client import Client
from telephony.call import derive
from telephony.dialect import STATISTICS
from telephony.event import INBOUND, INTERNAL, LOGGED, OUTBOUND, event_to_json
from telephony.facts import CallFacts

START = 1790000000000
ZERO = datetime(2026, 9, 21, 14, 13, 20)
ACCOUNT = account_at("https://cloudpbx.beeline.ru/apis/portal")
MS = history.MILLISECONDS


@pytest.fixture(scope="module")
def server():
    with running(TOKEN) as server:
        yield server


@pytest.fixture
def pbx(server):
    server.reset()
    return server


@pytest.fixture
def account(pbx):
    return account_at(pbx.server_url)


def now():
    return datetime.now(UTC).replace(tzinfo=None)


def pages(account, start, stop, most=200):
    """Yield each page as a job reads it, what it goes on with being stored as JSON."""
    page = None
    for _page in range(most):
        found = BEELINE.fetch_history(account, start, stop, page)
        yield found
        if found.next is None:
            return
        assert found.next != page, "the reader would give up"
        page = json.loads(json.dumps(found.next))
    raise AssertionError("it does not end")


def all_of(account, start, stop):
    return [event for page in pages(account, start, stop) for event in page.events]


def statistics_row(**values):
    return {
        "startDate": START,
        "abonent": {"userId": ANNA, "phone": "9000000101", "extension": "101"},
        "direction": "INBOUND",
        "status": "MISSED",
        "phone_from": "9000000201",
        "phone_to": "9000000100",
        "duration": 0,
        "department": None,
        **values,
    }


def read_row(unit=MS, **values):
    return history._statistics_row(statistics_row(**values), ZERO, ACCOUNT, unit)


def outbound(**values):
    parties = {"phone_from": "9000000100", "phone_to": "9000000201"}
    return read_row(direction="OUTBOUND", **{**parties, **values})


class TestStatisticsRows:
    def test_all_that_it_tells(self):
        event = read_row(status="RECEIVED", duration=53500)
        assert (event.kind, event.ref, event.direction) == (LOGGED, "", INBOUND)
        assert (event.caller, event.called) == (A, "+79000000100")
        assert (event.extension, event.talk, event.said) == ("101", 53, "RECEIVED")
        assert (event.started, event.disposition) == ((ZERO,), "answered")
        call = derive(CallFacts([event]), False)
        assert (call.outcome, call.talk, call.number) == ("answered", 53, A)

    def test_the_same_row_is_the_same_event(self):
        one = read_row()
        other = history._statistics_row(
            statistics_row(), ZERO + timedelta(days=1), ACCOUNT, MS
        )
        assert one == other and len({one, other}) == 1

    @pytest.mark.parametrize(
        "unit, duration, talk",
        [("ms", 53500, 53), ("s", 53, 53), ("ms", 999, 0), ("ms", "61000", 61),
         ("s", "61.7", 61), ("ms", None, None), ("ms", -5, None), ("ms", "x", None),
         ("ms", True, None), ("s", 10**11, 10**11)],
    )  # fmt: skip
    def test_how_long(self, unit, duration, talk):
        assert read_row(unit, duration=duration).talk == talk

    @pytest.mark.parametrize(
        "status, duration, inbound, outbound_",
        [
            ("MISSED", 0, "missed", "no_answer"),
            ("MISSED", 9000, "missed", "no_answer"),
            ("PLACED", 0, "no_answer", "no_answer"),
            ("PLACED", 9000, "answered", "answered"),
            ("RECEIVED", 9000, "answered", "answered"),
            ("", 9000, "answered", "answered"),
            ("placed", 0, "no_answer", "no_answer"),
            ("BUSY", 0, "busy", "busy"),
            ("ODD", 0, "missed", "failed"),
            (None, None, "missed", "failed"),
        ],
    )
    def test_how_it_went(self, status, duration, inbound, outbound_):
        told = {"status": status, "duration": duration}
        assert read_row(**told).disposition == inbound
        assert outbound(**told).disposition == outbound_

    def test_outbound(self):
        event = outbound(status="PLACED", duration=9000)
        assert (event.direction, event.caller, event.called) == (
            *(OUTBOUND, "+79000000100", A),
        )
        assert derive(CallFacts([event]), False).number == A

    @pytest.mark.parametrize("other", ["102", "9000000102", "+79000000102"])
    def test_between_two_of_us(self, other):
        dialled = outbound(phone_from="101", phone_to=other)
        rung = read_row(
            phone_from="9000000101",
            phone_to=other,
            abonent={"userId": BEN, "extension": "102"},
        )
        for event in (dialled, rung):
            assert (event.direction, event.caller, event.called) == (
                *(INTERNAL, "101", "102"),
            )
        assert (dialled.extension, rung.extension) == ("101", "102")

    def test_both_sides_of_a_call_between_two_of_us_are_one_talk(self):
        dialled = outbound(
            phone_from="101", phone_to="102", duration=53500, status="PLACED"
        )
        rung = read_row(
            phone_from="101",
            phone_to="102",
            duration=52900,
            status="RECEIVED",
            startDate=START + 1200,
            abonent={"userId": BEN},
        )
        call = derive(CallFacts([dialled, rung]), False)
        assert (call.direction, call.number, call.extension, call.talk) == (
            *("internal", "102", "101", 53),
        )

    @pytest.mark.parametrize("word", [None, "", "INTERNAL", "GROUP", 7])
    @pytest.mark.parametrize(
        "told, way, number",
        [
            ({}, INBOUND, A),
            ({"status": "PLACED", "phone_from": "9000000100",
              "phone_to": "9000000201"}, OUTBOUND, A),
            ({"status": "TALK", "phone_to": "9000000101"}, INBOUND, A),
            ({"status": "TALK", "phone_from": "101", "phone_to": "89000000201"},
             OUTBOUND, A),
            ({"status": "TALK", "phone_to": "9000000102"}, INBOUND, A),
            ({"phone_from": "101", "phone_to": "102"}, INTERNAL, "102"),
            ({"phone_from": "102", "phone_to": "9000000101"}, INTERNAL, "101"),
        ],
    )  # fmt: skip
    def test_a_direction_that_it_does_not_say(self, word, told, way, number):
        event = read_row(direction=word, **told)
        call = derive(CallFacts([event]), False)
        assert (call.direction, call.number) == (way, number)
        assert event.extension == "101"
        if way == INTERNAL:
            assert {event.caller, event.called} == {"101", "102"}

    @pytest.mark.parametrize(
        "written",
        [float(START), f"{START}.0", str(START), START // 1000,
         "2026-09-21T14:13:20.000Z", "2026-09-21T14:13:20", "2026-09-21 14:13:20Z",
         "2026-09-21T17:13:20+03:00", "2026-09-21T17:13:20.000+0300"],
    )  # fmt: skip
    def test_when_it_began(self, written):
        event = read_row(startDate=written)
        assert event.started == (ZERO,)
        assert event == read_row()

    @pytest.mark.parametrize(
        "written", [None, "", "yesterday", "2026-13-41T99:00:00Z", True, -1.5,
                    float("inf"), float("nan"), "9999-12-31T23:59:59-23:00", [], 1e300],
    )  # fmt: skip
    def test_a_row_without_a_time_is_left_out(self, monkeypatch, written):
        rows = [statistics_row(), statistics_row(startDate=written)]
        monkeypatch.setattr(Client, "records", lambda *_args: [])
        monkeypatch.setattr(Client, "statistics", lambda *_args: rows)
        last = list(pages(ACCOUNT, ZERO, ZERO + timedelta(days=1)))[-1]
        assert (len(last.events), last.rows, last.unreadable) == (1, 2, 1)

    def test_a_short_number_of_nobody_s_is_outside(self):
        event = outbound(phone_to="112")
        assert (event.direction, event.called) == (OUTBOUND, "112")

    def test_the_abonent_s_own_number_is_no_line(self):
        assert read_row(phone_to="9000000101").called == ""
        assert outbound(phone_from="9000000101").caller == ""

    @pytest.mark.parametrize(
        "abonent, extension",
        [
            (None, ""),
            ({}, ""),
            ({"userId": BEN}, "102"),
            ({"userId": "9000000177@ip.beeline.ru"}, "9000000177"),
            ({"userId": "9000000177@ip.beeline.ru", "extension": "177"}, "177"),
            ({"phone": "9000000102"}, "102"),
            ({"extension": 103}, "103"),
            ("odd", ""),
        ],
    )
    def test_whose_it_is(self, abonent, extension):
        assert read_row(abonent=abonent).extension == extension

    def test_phones_may_be_missing(self):
        event = read_row(phone_from=None, phone_to=None)
        assert (event.caller, event.called, event.direction) == ("", "", INBOUND)

    values = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    values = values | st.lists(st.text()) | st.dictionaries(st.text(), st.text())

    @given(data=st.data())
    def test_nothing_makes_it_fail(self, data):
        names = st.sampled_from(
            [*statistics_row(), "externalId", "id", "date", "phone"]
        )
        row = data.draw(st.dictionaries(names, self.values))
        for event in (
            history._statistics_row(row, ZERO, ACCOUNT, MS),
            history._record(row, ZERO, ACCOUNT),
        ):
            assert json.dumps(event_to_json(event))
            derive(CallFacts([event]), False)


class TestRecords:
    ROW = {
        "id": "5000001",
        "externalId": "5b1f0c2e",
        "callId": "callhalf-1:0",
        "phone": "9000000201",
        "direction": "INBOUND",
        "date": START,
        "duration": 53500,
        "abonent": {"userId": ANNA, "extension": "101"},
    }

    def read(self, **values):
        return history._record({**self.ROW, **values}, ZERO, ACCOUNT)

    def test_all_that_it_tells(self):
        event = self.read()
        assert (event.ref, event.extension, event.talk) == ("5b1f0c2e", "101", 53)
        assert event.recording == f"5b1f0c2e/{ANNA}"
        assert (event.caller, event.called, event.started) == (A, "", (ZERO,))
        assert self.read(direction="OUTBOUND").called == A

    def test_without_what_it_is_found_by(self):
        for values in ({"externalId": None}, {"abonent": {}}):  # nobody's
            assert self.read(**values).recording == "5000001"
        assert self.read(externalId=None).ref == "callhalf-1:0"
        assert self.read(externalId="x" * 201).ref == "callhalf-1:0"


class TestPages:
    def test_records_come_before_statistics(self, pbx, account):
        pbx.control("POST", "/history", {"until": time.time()})
        start, stop = now() - timedelta(days=2), now()
        paths = []
        for page in pages(account, start, stop):
            paths.append(asked(pbx)[-1]["path"])
            if page.next is not None:
                # The call of a row may be a record that follows.
                assert page.until == start
        assert page.until == stop
        assert paths == ["/records", "/records", "/v2/statistics"]
        assert set(account.wire.buckets) == {STATISTICS}

    def test_how_it_is_asked(self, pbx, account):
        start = datetime(2026, 9, 21, 14, 13, 20, 123456)
        all_of(account, start, start + timedelta(days=1))
        for entry in asked(pbx):
            assert entry["params"]["dateFrom"] == "2026-09-21T14:13:20.123Z"
            assert entry["params"]["dateTo"] == "2026-09-22T14:13:20.123Z"
        assert entry["params"]["page"] == "0"
        assert entry["params"]["pageSize"] == "100"

    def test_forty_rows_and_twelve_records(self, pbx, account):
        """All are read, and what each tells is what the calls were."""
        made = pbx.control("POST", "/history", {"until": time.time()}).json()["calls"]
        events = all_of(account, now() - timedelta(days=2), now())
        rows = [e for e in events if not e.ref]
        records = {e.ref: e for e in events if e.ref}
        assert (len(rows), len(records)) == (40, 12)
        by_ref = {call["ref"]: call for call in made}
        starts = Counter(e.started[0].isoformat(" ")[:19] for e in rows)
        for call in made:
            if call["scenario"] != "click":
                # There the row begins when our own phone was lifted.
                assert starts[call["start"]] >= 1, call
        for ref, event in records.items():
            call = by_ref[ref]
            party = event.called if event.direction == OUTBOUND else event.caller
            assert (event.direction, party, event.talk) == (
                *(call["direction"], call["number"], call["talk_seconds"]),
            )
            # The leg began later than the call, where it was handed on.
            assert event.started[0].isoformat(" ")[:19] >= call["start"]
        again = all_of(account, now() - timedelta(days=2), now())
        assert set(again) == set(events)

    def test_a_long_time_is_asked_for_in_parts(self, pbx, account):
        pbx.control("POST", "/past", {})
        start, stop = now() - timedelta(days=16), now()
        found = list(pages(account, start, stop))
        untils = [page.until for page in found]
        assert untils == sorted(untils) and untils[-1] == stop
        assert len(set(untils)) == 4  # the start, and three windows
        events = [event for page in found for event in page.events]
        rows = [event for event in events if not event.ref]
        assert len(rows) == len(set(rows)) == len(pbx.account.rows)
        recordings = {event.recording for event in events if event.ref}
        assert len(recordings) == len(pbx.account.records)

    def test_many_rows(self, pbx, account):
        fill(pbx, 250)
        events = all_of(account, now() - timedelta(days=1), now())
        rows = [event for event in events if not event.ref]
        assert len(rows) == len(set(rows)) == 250
        assert len({event.ref for event in events if event.ref}) == 250

    @pytest.mark.parametrize("number", [0, 99, 100, 101, 200])
    def test_full_pages(self, pbx, account, number):
        fill(pbx, number)
        events = all_of(account, now() - timedelta(days=1), now())
        assert len({event for event in events if not event.ref}) == number
        assert len({event.ref for event in events if event.ref}) == number

    def test_a_page_that_repeats_itself_ends(self, monkeypatch, account):
        rows = [statistics_row(startDate=START + 60_000 * n) for n in range(100)]
        monkeypatch.setattr(Client, "statistics", lambda self, start, stop, page: rows)
        monkeypatch.setattr(
            Client,
            "records",
            lambda self, start, stop, after: [TestRecords.ROW] * 100,
        )
        with pytest.raises(errors.SamePage):
            all_of(account, ZERO, ZERO + timedelta(days=1))

    def test_records_that_repeat_themselves_end(self, monkeypatch, account):
        """Whatever the server makes of the id: the statistics have them all anyhow."""
        rows = [{**TestRecords.ROW, "id": str(n)} for n in range(100)]
        monkeypatch.setattr(Client, "records", lambda self, start, stop, after: rows)
        monkeypatch.setattr(Client, "statistics", lambda self, start, stop, page: [])
        assert len(all_of(account, ZERO, ZERO + timedelta(days=1))) == 200

    def test_an_endless_list_ends(self, monkeypatch, account):
        monkeypatch.setattr(
            Client,
            "records",
            lambda self, start, stop, after: [
                {**TestRecords.ROW, "id": str(int(after or 0) + 1)}
            ],
        )
        page = None
        with pytest.raises(errors.SamePage):
            for _page in range(history.MAX_PAGES + 5):
                page = BEELINE.fetch_history(
                    account, ZERO, ZERO + timedelta(days=1), page
                ).next

    def test_nothing_to_ask_for(self, pbx, account):
        found = BEELINE.fetch_history(account, ZERO, ZERO)
        assert (found.events, found.next, found.until) == ((), None, ZERO)
        assert asked(pbx) == []

    @pytest.mark.parametrize(
        "kind, error",
        [("503", errors.Unreachable), ("429", errors.RateLimited),
         ("html", errors.BadAnswer)],
    )  # fmt: skip
    def test_a_page_that_fails_can_be_asked_for_again(self, pbx, account, kind, error):
        fill(pbx, 150)
        start, stop = now() - timedelta(days=1), now()
        events, page, failed = [], None, 0
        for _question in range(20):
            if failed < 4 and _question % 2:
                spoil(pbx, kind)
                failed += 1
            try:
                found = BEELINE.fetch_history(account, start, stop, page)
            except error:
                continue
            events += found.events
            page = found.next
            if page is None:
                break
        assert len({event for event in events if not event.ref}) == 150

    @pytest.mark.parametrize(
        "error", [errors.WrongKey, errors.NotFound, errors.BadParameter]
    )
    def test_without_the_service_of_recording(self, monkeypatch, pbx, account, error):
        """The statistics are there all the same."""

        def refused(self, start, stop, after=""):
            raise error("Услуга не подключена")

        fill(pbx, 3)
        monkeypatch.setattr(Client, "records", refused)
        events = all_of(account, now() - timedelta(days=1), now())
        assert len(events) == len({event for event in events if not event.ref}) == 3

    def test_a_wrong_token_is_said_all_the_same(self, account):
        account = replace(account, key="another")
        with pytest.raises(errors.WrongKey):
            all_of(account, now() - timedelta(days=1), now())

    def test_seconds(self, pbx, account):
        pbx.account.statistics_unit = "s"
        pbx.control("POST", "/play", {"scenario": "answered"})
        account = account_at(pbx.server_url, options={"beeline_statistics_unit": "s"})
        [row] = all_of(account, now() - timedelta(days=1), now() + timedelta(hours=1))
        assert row.talk in (53, 54)


def fill(pbx, number):
    """Let the look-alike list so many calls of the last hours, all of them recorded."""
    for place in range(number):
        start = float(int(time.time()) - 80_000 + 60 * place)
        pbx.account.keep(
            plan("recorded", start=start, caller=f"+7900000{2000 + place}")
        )
