"""Where the owner of a number lives, as far as the clocks there go."""

from datetime import UTC, datetime

import pytest

from telephony import numbers

LONDON, PARIS, MOSCOW = "+442079460101", "+33199005501", "+74951234567"
WASHINGTON = "+12025550143"
SUMMER, WINTER = datetime(2026, 7, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "number, zone",
    [
        (LONDON, "Europe/London"),
        ("+12125550143", "America/New_York"),
        ("+16025550143", "America/Phoenix"),
        (PARIS, "Europe/Paris"),
        (MOSCOW, "Europe/Moscow"),
        ("+81312345678", "Asia/Tokyo"),
        # Mobiles of a country whose islands have zones, but no clocks, of their own.
        ("+447400123456", "Europe/London"),
        ("+4740612345", "Europe/Oslo"),
        # Mobiles, and free numbers, of one with many clocks: nobody knows where.
        ("+79161234567", ""),
        ("+34612345678", ""),
        ("+18005550143", ""),
        ("+800123456789", ""),
    ],
)
def test_in_which_zone_the_owner_lives(number, zone):
    assert numbers.zone_of(number, SUMMER) == zone
    assert numbers.zone_of(number, WINTER) == zone


ODD = [None, "", "+", "100", "442079460101", "020 7946 0101", "+999123456789", "+44"]


@pytest.mark.parametrize("text", [*ODD, "anonymous", "+4420\0", "+" + "9" * 400])
def test_odd_text_lives_nowhere(text):
    assert numbers.zone_of(text, SUMMER) == ""


def test_several_zones_are_one_as_long_as_their_clocks_agree(monkeypatch):
    """Phoenix has no summer time, and then the hour of Los Angeles."""
    both = ("America/Los_Angeles", "America/Phoenix")
    monkeypatch.setattr(numbers, "time_zones_for_number", lambda _parsed: both)
    assert numbers.zone_of(WASHINGTON, SUMMER) == "America/Los_Angeles"
    assert numbers.zone_of(WASHINGTON, WINTER) == ""


def test_zones_that_this_machine_does_not_know(monkeypatch):
    for names, zone in (
        (("Moon/Base", "Europe/Paris"), "Europe/Paris"),
        (("Moon/Base",), ""),
        (("Etc/Unknown",), ""),
        ((), ""),
    ):
        monkeypatch.setattr(numbers, "time_zones_for_number", lambda _p, n=names: n)
        assert numbers.zone_of(LONDON, SUMMER) == zone
