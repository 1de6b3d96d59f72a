"""Whose a recording is, and how long: by what is known of the call."""

import pytest
from cases import at

from telephony.event import (
    ANSWERED,
    ENDED,
    INBOUND,
    INTERNAL,
    LOGGED,
    OUTBOUND,
    RECORDED,
    RELEASED,
    CallEvent,
    is_person,
)
from telephony.recorded import Part, recorded_parts


def event(kind, recording="", extension="", talk=None, seconds=0):
    return CallEvent(
        kind=kind,
        ref="in_1",
        received_at=at(seconds),
        recording=recording,
        extension=extension,
        talk=talk,
    )


END = event(ENDED, "b", "101", 90)
ROWS = (event(LOGGED, "a", "100", 30), event(LOGGED, "b", "101", 60))


@pytest.mark.parametrize(
    ("events", "spoke", "parts"),
    [
        ([event(ANSWERED, extension="100")], ["100"], {}),
        ([event(ENDED, "a", "100", 34)], ["100"], {"a": Part("100", 34)}),
        # A voicemail is nobody's.
        ([event(ENDED, "a", "", 14)], [], {"a": Part("", 14)}),
        # Of a transfer: the end names who spoke last, and its talk is the whole call's.
        (
            [event(RECORDED, "a"), event(RECORDED, "b"), END],
            ["100", "101"],
            {"a": Part("100"), "b": Part("101")},
        ),
        # With a third one nobody knows whose the other recording is.
        (
            [event(RECORDED, "a"), END],
            ["100", "101", "102"],
            {"a": Part(), "b": Part("101")},
        ),
        ([END, *ROWS], ["100", "101"], {"a": Part("100", 30), "b": Part("101", 60)}),
        # A row that was listed while the leg lasted, and again when it was over.
        (
            [event(LOGGED, "a", "100", 30), event(LOGGED, "a", "100", 45)],
            ["100"],
            {"a": Part("100", 45)},
        ),
        (
            [event(RELEASED, "a", "100", 30), event(RELEASED, "b", "101", 5), END],
            ["100", "101"],
            {"a": Part("100", 30), "b": Part("101", 5)},
        ),
    ],
)
def test_parts(events, spoke, parts):
    assert recorded_parts(events, spoke) == parts
    assert recorded_parts(events[::-1], spoke[::-1]) == parts, "in whatever order"


def test_who_lifts_without_an_extension():
    assert is_person("100", INBOUND)
    assert not is_person("", INBOUND), "a menu or a voicemail"
    assert is_person("", OUTBOUND) and is_person("", INTERNAL), "the other party"
