"""Local times: in which zone they are, when nobody is sure."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.call import derive
from telephony.dialect import Account
from telephony.event import (
    ANSWERED,
    ENDED,
    INBOUND,
    LOGGED,
    OFFERED,
    RINGING,
    CallEvent,
    event_from_json,
    event_to_json,
)
from telephony.facts import CallFacts
from telephony.local_time import in_zones, local_in, local_text, read_time

TRUE = datetime(2026, 6, 16, 12)
# At least half an hour apart from each other on that day.
ZONES = [
    *map(
        ZoneInfo,
        (
            "Europe/London",
            "Asia/Tokyo",
            "Asia/Kolkata",
            "America/New_York",
            "Pacific/Kiritimati",
        ),
    ),
    timezone(timedelta(hours=3)),
    UTC,
]
IMPOSSIBLE = (
    "9999-12-31 23:59:59",
    "0001-01-01 00:00:00",
    "1970-12-31 23:59:59",
    "2100-01-01 00:00:00",
    "2026-13-01 00:00:00",
    "2026-02-30 12:00:00",
    "yesterday",
    "",
    None,
)


def account(*zones):
    """An account whose zone is the first of ``zones``; without any it is not known."""
    zone, *others = zones or (UTC,)
    return Account(zone=zone, zone_known=bool(zones), other_zones=tuple(others))


def event(kind, seconds, zones, local, **values):
    at = TRUE + timedelta(seconds=seconds)
    one = CallEvent(
        kind,
        "in_1",
        at,
        direction=INBOUND,
        extension="100",
        local_start=local,
        **values,
    )
    return in_zones(one, account(*zones))


def call(zones_of, local, order=None):
    """A call whose events were each read in zones of their own."""
    kinds = (
        (OFFERED, 2, {}),
        (RINGING, 3, {}),
        (ANSWERED, 9, {}),
        (ENDED, 69, {"talk": 60, "disposition": "answered"}),
    )
    events = [
        event(kind, seconds, zones, local, **values)
        for (kind, seconds, values), zones in zip(kinds, zones_of, strict=True)
    ]
    if order:
        events = [events[place] for place in order]
    return derive(CallFacts(events))


zone_lists = st.lists(st.sampled_from(ZONES), max_size=3, unique=True)


@given(
    true=st.sampled_from(ZONES),
    zones_of=st.tuples(*[zone_lists] * 4),
    knows=st.integers(0, 3),
    place=st.integers(0, 3),
    order=st.permutations(range(4)),
)
def test_the_zone_counts_in_which_it_began_when_it_was_heard_of(
    true, zones_of, knows, place, order
):
    """Whatever else each event was read in, and whichever knows the right zone."""
    others = [zone for zone in zones_of[knows] if zone != true]
    zones_of = list(zones_of)
    zones_of[knows] = [*others[:place], true, *others[place:]][:4]
    found = call(zones_of, local_in(TRUE, true), order)
    assert found.start == TRUE
    assert found.wait == 9


@given(true=st.sampled_from(ZONES), order=st.permutations(range(4)))
def test_without_any_zone_the_receipt_is_the_start(true, order):
    found = call([()] * 4, local_in(TRUE, true), order)
    assert (found.start, found.wait) == (TRUE + timedelta(seconds=2), 7)


@given(
    before=st.sampled_from(ZONES),
    after=st.sampled_from(ZONES),
    days=st.integers(2, 3000),
    order=st.permutations(range(4)),
)
def test_an_old_start_is_read_in_the_chosen_zone(before, after, days, order):
    """No receipt says better."""
    local = local_in(TRUE - timedelta(days=days), before)
    found = call([(before, after)] * 4, local, order)
    assert found.start == TRUE - timedelta(days=days)


@pytest.mark.parametrize("text", IMPOSSIBLE)
@pytest.mark.parametrize("zone", ZONES)
def test_impossible_times_are_unreadable(text, zone):
    assert read_time(text, zone) == ()
    assert local_text(text) == ""


@pytest.mark.parametrize("year", (1, 1970, 2100, 9999))
def test_impossible_moments_are_left_out(year):
    moment = datetime(year, 6, 1)
    one = CallEvent(
        OFFERED, "in_1", TRUE, started=(moment,), at=moment, other_starts=((moment,),)
    )
    assert (one.started, one.at, one.other_starts) == ((), None, ())
    assert derive(CallFacts([one])).start == TRUE


@given(
    local=st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)),
    zone=st.sampled_from(ZONES),
)
def test_any_time_can_be_read(local, zone):
    """No year is an error; what is read is that text in that zone."""
    text = local.replace(microsecond=0).isoformat(" ")
    for reading in read_time(text, zone):
        assert local_in(reading, zone) == text or len(read_time(text, zone)) == 2


# ------------------------------------------------------------------- facts, old and new


def test_the_same_time_in_two_zones_is_one_event():
    local = local_in(TRUE, ZONES[0])
    first = event(OFFERED, 2, ZONES[:1], local)
    second = event(OFFERED, 5, ZONES[1:2], local)
    assert first == second
    for events in ([first, second], [second, first]):
        [fact] = CallFacts(events).events
        assert fact.received_at == first.received_at
        assert fact.started == first.started
        assert fact.other_starts == (second.started,)


def test_rows_that_differ_in_their_start_alone_are_two():
    local = local_in(TRUE, ZONES[0])
    later = local_in(TRUE + timedelta(minutes=1), ZONES[0])
    rows = [event(LOGGED, 99, ZONES[:1], text) for text in (local, later)]
    assert len(CallFacts(rows)) == 2
    old = [
        CallEvent(LOGGED, "in_1", TRUE, started=(TRUE + timedelta(minutes=minutes),))
        for minutes in (0, 1)
    ]
    assert len(CallFacts(old)) == 2


@given(then=st.sampled_from(ZONES), now=st.sampled_from(ZONES), new_first=st.booleans())
def test_facts_from_before_local_times_were_kept(then, now, new_first):
    """Told once more, and read in another zone: still one event."""
    local = local_in(TRUE, ZONES[0])
    new = event(OFFERED, 8, [now], local)
    old = event(OFFERED, 2, [then], local)
    data = event_to_json(old)
    del data["local_start"]
    old = event_from_json(data)
    assert old.local_start == ""
    events = [new, old] if new_first else [old, new]
    facts = CallFacts(events)
    assert len(facts) == 1
    [fact] = facts.events
    assert (fact.received_at, fact.local_start) == (old.received_at, local)
    assert set(fact.readings) == {*old.started, *new.started}
    assert facts.add(events) == facts


def test_facts_are_kept_as_they_are():
    one = event(OFFERED, 2, ZONES[:3], local_in(TRUE, ZONES[0]))
    assert event_from_json(event_to_json(one)).other_starts == one.other_starts
    assert CallFacts.from_json(CallFacts([one]).to_json()) == CallFacts([one])
