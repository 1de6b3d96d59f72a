"""When a call began: local times, both sides of a summer-time change, odd ones too."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cases import IN, start
from hypothesis import given
from hypothesis import strategies as st

from telephony.call import derive
from telephony.dialect import fixed_zone
from telephony.facts import CallFacts
from telephony.local_time import read_time
from telephony.zadarma import events

LONDON, NEW_YORK = "Europe/London", "America/New_York"
# Half an hour only, and the other hemisphere.
LORD_HOWE = "Australia/Lord_Howe"
ZONES = [LONDON, NEW_YORK, LORD_HOWE]


def utc(text):
    return datetime.fromisoformat(text)


def begun(call_start, zone, *received):
    """Return the start of a call whose START was received at these times."""
    zone = ZoneInfo(zone) if isinstance(zone, str) else zone
    fields = {**start(), "call_start": call_start}
    read = [event for when in received for event in events.read(fields, when, zone)]
    return derive(CallFacts(read)).start


# zone, local time, UTC. The last and the first minute on each side of a change.
CHANGES = [
    (LONDON, "2026-03-29 00:59:59", "2026-03-29 00:59:59"),
    (LONDON, "2026-03-29 02:00:00", "2026-03-29 01:00:00"),
    (LONDON, "2026-10-25 00:59:59", "2026-10-24 23:59:59"),
    (LONDON, "2026-10-25 02:00:00", "2026-10-25 02:00:00"),
    (LONDON, "2026-01-15 12:00:00", "2026-01-15 12:00:00"),
    (LONDON, "2026-07-15 12:00:00", "2026-07-15 11:00:00"),
    (NEW_YORK, "2026-03-08 01:59:59", "2026-03-08 06:59:59"),
    (NEW_YORK, "2026-03-08 03:00:00", "2026-03-08 07:00:00"),
    (NEW_YORK, "2026-11-01 00:59:59", "2026-11-01 04:59:59"),
    (NEW_YORK, "2026-11-01 02:00:00", "2026-11-01 07:00:00"),
    (LORD_HOWE, "2026-04-05 01:29:59", "2026-04-04 14:29:59"),
    (LORD_HOWE, "2026-04-05 02:00:00", "2026-04-04 15:30:00"),
    (LORD_HOWE, "2026-10-04 01:59:59", "2026-10-03 15:29:59"),
    (LORD_HOWE, "2026-10-04 02:30:00", "2026-10-03 15:30:00"),
]
# zone, local time that is there twice, its two readings.
TWICE = [
    (LONDON, "2026-10-25 01:30:00", "2026-10-25 00:30:00", "2026-10-25 01:30:00"),
    (LONDON, "2026-10-25 01:00:00", "2026-10-25 00:00:00", "2026-10-25 01:00:00"),
    (NEW_YORK, "2026-11-01 01:30:00", "2026-11-01 05:30:00", "2026-11-01 06:30:00"),
    (LORD_HOWE, "2026-04-05 01:45:00", "2026-04-04 14:45:00", "2026-04-04 15:15:00"),
]
# zone, local time that is not there, its readings by the clock before and after.
NEVER = [
    (LONDON, "2026-03-29 01:30:00", "2026-03-29 00:30:00", "2026-03-29 01:30:00"),
    (NEW_YORK, "2026-03-08 02:30:00", "2026-03-08 06:30:00", "2026-03-08 07:30:00"),
    (LORD_HOWE, "2026-10-04 02:15:00", "2026-10-03 15:15:00", "2026-10-03 15:45:00"),
]


@pytest.mark.parametrize("zone, local, told", CHANGES)
def test_an_unambiguous_time_is_what_the_zone_says(zone, local, told):
    assert read_time(local, ZoneInfo(zone)) == (utc(told),)
    # Whenever it was received: a delivery may be days late.
    for late in (timedelta(seconds=1), timedelta(hours=1), timedelta(days=3)):
        assert begun(local, zone, utc(told) + late) == utc(told)


@pytest.mark.parametrize("zone, local, early, late", TWICE + NEVER)
class TestTwoReadings:
    def test_both_are_kept(self, zone, local, early, late):
        assert read_time(local, ZoneInfo(zone)) == (utc(early), utc(late))

    @pytest.mark.parametrize("seconds", [-5, 0, 1, 600])
    def test_the_one_nearest_to_receipt_counts(self, zone, local, early, late, seconds):
        shift = timedelta(seconds=seconds)
        assert begun(local, zone, utc(early) + shift) == utc(early)
        assert begun(local, zone, utc(late) + shift) == utc(late)

    def test_a_late_repeat_moves_nothing(self, zone, local, early, late):
        first, again = utc(early) + timedelta(seconds=2), utc(late)
        assert begun(local, zone, first, again) == utc(early)
        assert begun(local, zone, again, first) == utc(early)

    def test_so_it_is_for_the_whole_call(self, zone, local, early, late):
        # END comes an hour later and tells the same start.
        began, zone = utc(early), ZoneInfo(zone)
        facts = []
        for event, seconds in [("NOTIFY_START", 2), ("NOTIFY_END", 3700)]:
            fields = {**start(), "event": event, "call_start": local}
            received = began + timedelta(seconds=seconds)
            facts += events.read(fields, received, zone)
        assert derive(CallFacts(facts)).start == began
        assert derive(CallFacts(reversed(facts))).start == began


@pytest.mark.parametrize(
    "text",
    ["", None, "now", "2026-02-30 10:00:00", "0000-00-00 00:00:00", "2026-05-04",
     "1970-01-01 00:00:00", "04.05.2026 09:15:07", "2026-05-04 25:00:00",
     "0001-01-01 00:00:00"],
)  # fmt: skip
@pytest.mark.parametrize("zone", ZONES)
def test_an_unreadable_time_is_the_first_receipt(text, zone):
    received = utc("2026-05-04 09:15:07")
    assert read_time(text, ZoneInfo(zone)) == ()
    assert begun(text or "", zone, received + timedelta(hours=1), received) == received


@given(
    text=st.one_of(
        st.text(), st.datetimes().map(lambda moment: moment.isoformat(" ", "seconds"))
    ),
    zone=st.sampled_from([*ZONES, "UTC", "Pacific/Kiritimati", "Pacific/Marquesas"]),
)
def test_no_text_makes_reading_a_time_raise(text, zone):
    readings = read_time(text, ZoneInfo(zone))
    assert len(readings) <= 2
    assert all(reading.tzinfo is None for reading in readings)
    assert list(readings) == sorted(set(readings))


@given(moment=st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1)), data=st.data())
def test_a_time_that_was_told_at_once_is_read_back(moment, data):
    moment = moment.replace(microsecond=0)
    zone = ZoneInfo(data.draw(st.sampled_from(ZONES)))
    local = moment.replace(tzinfo=UTC).astimezone(zone)
    told = local.strftime("%Y-%m-%d %H:%M:%S")
    assert begun(told, zone, moment + timedelta(seconds=1)) == moment


def test_the_readings_survive_the_database():
    fields = {**start(), "call_start": "2026-10-25 01:30:00"}
    received = utc("2026-10-25 01:30:02")
    facts = CallFacts(events.read(fields, received, ZoneInfo(LONDON)))
    assert CallFacts.from_json(facts.to_json()) == facts
    assert derive(CallFacts.from_json(facts.to_json())).ref == IN


class TestFixedZone:
    """What the API calls a time zone is an offset."""

    @pytest.mark.parametrize(
        "text, minutes",
        [("UTC+0", 0), ("UTC+3", 180), ("UTC-5", -300), ("UTC-4:30", -270),
         ("UTC+05:45", 345), ("UTC+5:45", 345), ("GMT+2", 120), ("utc+10", 600),
         ("UTC", 0), ("", 0), (None, 0), ("+3", 180), ("-03:30", -210), ("UTC +3", 180),
         ("UTC\N{MINUS SIGN}3", -180), ("UTC-0:30", -30)],
    )  # fmt: skip
    def test_an_offset_is_read(self, text, minutes):
        assert fixed_zone(text).utcoffset(None) == timedelta(minutes=minutes)

    @pytest.mark.parametrize(
        "text",
        ["Europe/London", "UTC+25", "UTC+24", "UTC+abc", "UTC+3:xx", "EST", "UTC+3:75",
         "UTC+-3", "UTC++3", "UTC+3:00:00", "UTC+1e1", "UTC+3.5", "+" + "9" * 400],
    )  # fmt: skip
    def test_what_is_no_offset_is_an_error(self, text):
        with pytest.raises(ValueError):
            fixed_zone(text)

    @given(text=st.text())
    def test_nothing_else_is_ever_raised(self, text):
        try:
            zone = fixed_zone(text)
        except ValueError:
            return
        assert abs(zone.utcoffset(None)) < timedelta(hours=24)

    def test_calls_are_read_in_it(self):
        received = utc("2026-05-04 09:15:08")
        began = begun("2026-05-04 12:15:07", fixed_zone("UTC+3"), received)
        assert began == utc("2026-05-04 09:15:07")
