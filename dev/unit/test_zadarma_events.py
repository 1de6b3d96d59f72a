"""From Zadarma's form fields to neutral events: each event, each field (sheet 5.4)."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from cases import (
    CLIENT,
    IN,
    LINE,
    OUT,
    REC,
    START,
    ZONE,
    answer,
    at,
    dials,
    end,
    out_end,
    picked_up,
    record,
    recorded,
    rings,
    start,
)

from telephony.event import (
    ANSWERED,
    BUSY,
    CANCELLED,
    DIALLED,
    ENDED,
    FAILED,
    INBOUND,
    NO_ANSWER,
    OFFERED,
    OUTBOUND,
    RECORDED,
    RINGING,
    SPOKEN,
    CallEvent,
)
from telephony.zadarma import events

VECTORS = json.loads(
    (Path(__file__).parents[2] / "tests" / "zadarma-vectors.json").read_text()
)
RECEIVED = at(1)


def read(fields):
    return events.read(fields, RECEIVED, ZONE)


def event(kind, ref=IN, **values):
    direction = INBOUND if ref == IN else OUTBOUND
    values = {"direction": direction, "started": (START,), **values}
    return CallEvent(kind, ref, RECEIVED, **values)


OFFER = {"caller": CLIENT, "called": LINE}
DIAL = {"caller": LINE, "called": CLIENT, "extension": "100"}
READ = {
    "START": (start(), event(OFFERED, **OFFER)),
    "IVR": ({**start(), "event": "NOTIFY_IVR"}, event(OFFERED, **OFFER)),
    "INTERNAL": (rings("100"), event(RINGING, **OFFER, extension="100")),
    "INTERNAL of nobody": (rings(None), event(RINGING, **OFFER)),
    "INTERNAL of a transfer": (
        rings("102", transfer_from="100", transfer_type="blind"),
        event(RINGING, **OFFER, extension="102", handed_by="100"),
    ),
    "ANSWER": (
        answer("100"),
        event(ANSWERED, caller=CLIENT, called="100", extension="100"),
    ),
    "END": (
        end("answered", 134, "100", last_internal="100", **recorded()),
        event(
            ENDED,
            **OFFER,
            extension="100",
            talk=134,
            disposition=SPOKEN,
            said="answered",
            recording=REC,
        ),
    ),
    "END, missed": (
        end("cancel", 0, is_recorded="0"),
        event(ENDED, **OFFER, talk=0, disposition=CANCELLED, said="cancel"),
    ),
    "END after a transfer": (
        end("answered", 134, "100", last_internal="102"),
        event(
            ENDED,
            **OFFER,
            extension="102",
            also=("100",),
            talk=134,
            disposition=SPOKEN,
            said="answered",
        ),
    ),
    "OUT_START": (dials(), event(DIALLED, OUT, **DIAL)),
    "OUT_START, no caller id": (
        dials(caller_id="0"),
        event(DIALLED, OUT, **{**DIAL, "caller": ""}),
    ),
    "OUT_END": (
        out_end("answered", 62, **recorded()),
        event(
            ENDED,
            OUT,
            **DIAL,
            talk=62,
            disposition=SPOKEN,
            said="answered",
            recording=REC,
        ),
    ),
    "ANSWER of the other party": (picked_up(), event(ANSWERED, OUT, **DIAL)),
    "leg 1": (
        dials(calltype="callback_leg1"),
        event(DIALLED, OUT, **DIAL, own_leg=True),
    ),
    "leg 1, as its own destination": (
        dials(destination="100"),
        event(DIALLED, OUT, **{**DIAL, "called": ""}, own_leg=True),
    ),
    "leg 1, swapped": (
        dials(internal=CLIENT[1:], destination="100"),
        event(DIALLED, OUT, **DIAL, own_leg=True),
    ),
    "leg 2": (
        dials(calltype="callback_leg2"),
        event(DIALLED, OUT, **DIAL, client_leg=True),
    ),
    "extension to extension": (
        dials(caller_id="100", destination="101"),
        event(DIALLED, OUT, caller="100", called="101", extension="100"),
    ),
    "RECORD": (record(), event(RECORDED, started=(), recording=REC)),
}


@pytest.mark.parametrize("fields, expected", READ.values(), ids=READ)
def test_an_event_is_read(fields, expected):
    [told] = read(fields)
    assert told == expected
    assert told.received_at == RECEIVED


@pytest.mark.parametrize("vector", VECTORS["webhooks"], ids=lambda vector: vector["id"])
def test_every_event_of_the_vectors_is_understood(vector):
    [told] = read(vector["fields"])
    assert told.ref == vector["fields"]["pbx_call_id"]
    prefix = told.ref.partition("_")[0]
    assert told.direction == {"in": INBOUND, "out": OUTBOUND}[prefix]


@pytest.mark.parametrize(
    "fields",
    [
        *(vector["fields"] for vector in VECTORS["webhooks_extra_events"]),
        {**start(), "event": "NOTIFY_INTERNAL_END"},
        {**start(), "event": "NOTIFY_FUTURE"},
        {**start(), "event": "notify_start"},
        {"event": "CALL_TRACKING", "result": "{}"},
        {"event": "DOCUMENT", "result": "{}"},
        # Nobody can tell which call these are about.
        {**start(), "pbx_call_id": ""},
        {**start(), "pbx_call_id": "  "},
        {"event": "NOTIFY_START"},
        {"event": "NOTIFY_RECORD", "call_id_with_rec": REC},
        {},
    ],
    ids=lambda fields: fields.get("event", "nothing"),
)
def test_what_is_no_call_gives_no_event(fields):
    assert read(fields) == []


@pytest.mark.parametrize(
    "name, ref, direction",
    [
        # The id knows best: a forwarded inbound call tells outbound events too.
        ("NOTIFY_OUT_START", IN, INBOUND),
        ("NOTIFY_END", OUT, OUTBOUND),
        ("NOTIFY_ANSWER", IN, INBOUND),
        ("NOTIFY_ANSWER", OUT, OUTBOUND),
        ("NOTIFY_RECORD", OUT, OUTBOUND),
        # Else the event does.
        ("NOTIFY_START", "5a1c", INBOUND),
        ("NOTIFY_IVR", "5a1c", INBOUND),
        ("NOTIFY_INTERNAL", "5a1c", INBOUND),
        ("NOTIFY_END", "5a1c", INBOUND),
        ("NOTIFY_OUT_START", "5a1c", OUTBOUND),
        ("NOTIFY_OUT_END", "5a1c", OUTBOUND),
        ("NOTIFY_RECORD", "5a1c", ""),
    ],
)
def test_the_direction(name, ref, direction):
    [told] = read({"event": name, "pbx_call_id": ref, "call_id_with_rec": REC})
    assert told.direction == direction


@pytest.mark.parametrize(
    "told, neutral",
    [
        ("answered", SPOKEN),
        ("Answered", SPOKEN),
        ("busy", BUSY),
        ("cancel", CANCELLED),
        ("no answer", NO_ANSWER),
        ("no answered", NO_ANSWER),
        (" no answer ", NO_ANSWER),
        ("failed", FAILED),
        ("call failed", FAILED),
        ("no money", FAILED),
        ("unallocated number", FAILED),
        ("no limit", FAILED),
        ("no day limit", FAILED),
        ("line limit", FAILED),
        ("no money, no limit", FAILED),
        ("a word of tomorrow", FAILED),
        ("", ""),
        (None, ""),
    ],
)
def test_dispositions(told, neutral):
    assert events.read_disposition(told) == neutral
    [event] = read(end(told))
    # The PBX's own word is kept as it is.
    assert (event.disposition, event.said) == (neutral, (told or "").strip())


@pytest.mark.parametrize(
    "text, seconds",
    [("0", 0), ("134", 134), (" 7 ", 7), ("007", 7), ("999999999", 999999999),
     ("", None), (None, None), ("-5", None), ("1.5", None), ("1e3", None),
     ("9" * 30, None), ("٣", None), ("134s", None)],
)  # fmt: skip
def test_durations(text, seconds):
    assert events.read_duration(text) == seconds


@pytest.mark.parametrize(
    "fields, extension, called",
    [
        ({"internal": "100", "destination": "100"}, "100", "100"),
        ({"internal": "123456-100", "destination": LINE}, "100", LINE),
        # The extension may be told only at the end of the destination.
        ({"internal": "", "destination": "100"}, "100", "100"),
        ({"internal": None, "destination": "123456-100"}, "100", "100"),
        ({"internal": "0", "destination": "100"}, "100", "100"),
        ({"internal": "", "destination": "pbx-123456-100"}, "100", "100"),
        # What a menu or a voicemail lifts names nobody.
        ({"internal": "", "destination": LINE[1:]}, "", LINE),
        ({"internal": "", "destination": ""}, "", ""),
        ({"internal": "0", "destination": "0"}, "", ""),
    ],
)
def test_who_answered(fields, extension, called):
    [told] = read({k: v for k, v in {**answer(""), **fields}.items() if v is not None})
    assert (told.extension, told.called) == (extension, called)


@pytest.mark.parametrize(
    "caller, destination, direction",
    [
        (CLIENT, "100", INBOUND),
        (CLIENT, "123456-100", INBOUND),
        ("anonymous", "100", INBOUND),
        ("100", CLIENT, OUTBOUND),
        ("123456-100", CLIENT, OUTBOUND),
    ],
)
def test_the_direction_of_an_answer_whose_id_does_not_tell_it(
    caller, destination, direction
):
    ref = "5a1c"
    fields = answer(None, pbx_call_id=ref, caller_id=caller, destination=destination)
    [told] = read(fields)
    assert told.direction == direction


@pytest.mark.parametrize("flag", ["1", "true"])
def test_an_unanswered_call_may_be_marked_as_recorded(flag):
    fields = out_end("cancel", is_recorded=flag, call_id_with_rec=REC)
    [told] = read(fields)
    assert (told.recording, told.disposition) == (REC, CANCELLED)


@pytest.mark.parametrize("flag", ["0", "false", "", None])
def test_an_id_of_a_recording_that_is_not_made_is_none(flag):
    fields = end("answered", 5, "100", is_recorded=flag, call_id_with_rec=REC)
    [told] = read({k: v for k, v in fields.items() if v is not None})
    assert told.recording == ""


def test_ids_are_text_whose_zeros_count():
    [told] = read(record("1777886107.1234500"))
    assert told.recording == "1777886107.1234500"


def test_plus_or_none_inside_one_event():
    for caller in (CLIENT, CLIENT[1:], "00" + CLIENT[1:]):
        for called in (LINE, LINE[1:]):
            [told] = read(start(caller_id=caller, called_did=called))
            assert (told.caller, told.called) == (CLIENT, LINE)


def test_the_start_is_read_in_the_account_s_zone():
    [told] = read(start())
    assert told.started == (datetime(2026, 5, 4, 9, 15, 7),)
