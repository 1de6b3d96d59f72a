"""The fake PBX's scenarios: well-formed, pure, signed as the vectors are."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_zadarma import day, past, wire
from fake_zadarma.events import Inbound, Outbound, Step, bare, plus, record
from fake_zadarma.scenarios import SCENARIOS, plan, scenario

ROOT = Path(__file__).parents[2]
VECTORS = json.loads((ROOT / "tests" / "zadarma-vectors.json").read_text())

NAMES = """answered missed busy abandoned voicemail ring_group ring_group_missed
    transfer outbound outbound_no_answer outbound_busy outbound_failed
    outbound_cancelled outbound_no_money click_calltype click_swapped click_plain
    click_two_ids extension_to_extension withheld answer_only record_before_end
    record_after_end out_of_order repeated menu_answered sms unknown_event
    number_lookup speech_recognition ivr""".split()

# Field names by event: (always there, sometimes there). What PBXs were seen to send.
START = {"event", "call_start", "pbx_call_id", "caller_id", "called_did"}
OUT = {"event", "call_start", "pbx_call_id", "internal", "destination"}
DONE = {"duration", "disposition", "status_code", "is_recorded"}
FIELDS = {
    "NOTIFY_START": (START, set()),
    "NOTIFY_INTERNAL": (START, {"internal", "transfer_from", "transfer_type"}),
    "NOTIFY_ANSWER": (OUT - {"internal"} | {"caller_id"}, {"internal"}),
    "NOTIFY_END": (START | DONE, {"internal", "last_internal", "call_id_with_rec"}),
    "NOTIFY_OUT_START": (OUT, {"caller_id", "calltype"}),
    "NOTIFY_OUT_END": (OUT | DONE, {"caller_id", "calltype", "call_id_with_rec"}),
    "NOTIFY_RECORD": ({"event", "pbx_call_id", "call_id_with_rec"}, set()),
    "NOTIFY_IVR": (START, {"wait_dtmf", "ivr_saydigits", "ivr_saynumber"}),
    "SMS": ({"event", "result"}, set()),
    "NUMBER_LOOKUP": ({"event", "result"}, {"success"}),
    "SPEECH_RECOGNITION": ({"event", "lang", "result"}, {"call_id", "pbx_call_id"}),
}
DISPOSITIONS = {"answered", "busy", "cancel", "no answer", "failed", "no money"}


def test_every_scenario_of_the_contract_is_there():
    assert sorted(SCENARIOS) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_events_hold_only_known_fields(name):
    for step in scenario(name):
        assert isinstance(step, Step)
        assert step.fields["event"] == step.event
        assert step.delay >= 0
        for field, value in step.fields.items():
            assert isinstance(value, dict if field == "wait_dtmf" else str), field
        if name == "unknown_event":
            assert step.event not in FIELDS
            continue
        always, sometimes = FIELDS[step.event]
        assert always <= set(step.fields) <= always | sometimes
        if "disposition" in step.fields:
            assert step.fields["disposition"] in DISPOSITIONS
            assert step.fields["duration"].isdigit()


@pytest.mark.parametrize("name", NAMES)
def test_the_same_parameters_give_the_same_scenario(name):
    told = {"call_start": "2026-05-04 09:15:07", "pbx_call_id": "in_" + "5a" * 20}
    assert plan(name, **told) == plan(name, **told)
    assert plan(name).pbx_call_id != plan(name).pbx_call_id


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_heard(name):
    told = {
        "caller": "+33199005501",
        "line": "+442079460901",
        "extension": "107",
        "extensions": ("107", "108"),
        "to_extension": "109",
        "call_start": "2026-10-25 01:30:00",
        "pbx_call_id": "in_" + "ab" * 20,
    }
    text = "&".join(
        urlencode(wire.flat(step.fields)) for step in scenario(name, **told)
    )
    assert "442079460201" not in text and "442079460900" not in text
    if name not in ("sms", "number_lookup", "speech_recognition"):
        assert "2026-10-25" in text and "abab" in text


def test_ids_of_legs_are_those_of_their_recordings():
    for name in NAMES:
        ready = plan(name)
        recorded = {row["call_id"] for row in ready.rows if row["is_recorded"]}
        told = {
            step.fields["call_id_with_rec"]
            for step in ready.steps
            if step.event == "NOTIFY_RECORD"
        }
        # Given up, yet "recorded": the id is told, and no file ever comes.
        assert told <= recorded
        assert len({row["call_id"] for row in ready.rows}) == len(ready.rows)


def test_disorder_and_repeats_are_those_of_an_answered_call():
    told = {"call_start": "2026-05-04 09:15:07", "pbx_call_id": "in_" + "5a" * 20}

    def bodies(name):
        return [tuple(wire.flat(step.fields)) for step in scenario(name, **told)]

    answered = bodies("answered")
    assert bodies("out_of_order") != answered
    assert sorted(bodies("out_of_order")) == sorted(answered)
    assert set(bodies("repeated")) == set(answered)
    assert all(bodies("repeated").count(body) >= 2 for body in answered)


def test_a_wrong_name_or_parameter_is_a_sentence():
    with pytest.raises(ValueError, match="There is no scenario 'answred'. There are: "):
        scenario("answred")
    with pytest.raises(ValueError, match="no parameter colour. It has: caller,"):
        scenario("answered", colour="red")


@given(st.sampled_from(NAMES), st.text(), st.text(max_size=30))
def test_any_text_is_told_as_it_is(name, caller, start):
    for step in scenario(name, caller=caller, call_start=start):
        assert step.fields.get("call_start", start) == start
        wire.render(step, "secret")


def test_scenarios_need_the_standard_library_alone():
    code = (
        "import sys; from fake_zadarma.scenarios import scenario; scenario('answered');"
        "print(sorted({'flask', 'requests', 'jsonschema'} & set(sys.modules)))"
    )
    command = [sys.executable, "-S", "-c", code]
    done = subprocess.run(
        command, cwd=ROOT / "dev", capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


# -- the vectors -----------------------------------------------------------------------

CALL = ("in_5a1c0f3e7b9d2468ace013579bdf02468ace1357", "2026-05-04 09:15:07")
INBOUND = Inbound(*CALL, "+442079460201", "442079460900")
OUTBOUND = Outbound(
    "out_dcb22bcd4e78fa4b627aa2e0c67d0191cd0a5068",
    "2026-05-04 10:00:00",
    "0",
    "100",
    "+442079460203",
)
REC = "1777886107.1234567"
BUILT = {
    "hook-01": INBOUND.start(),
    "hook-04": INBOUND.internal("100"),
    "hook-06": INBOUND.internal("102", transfer_from="100"),
    "hook-07": INBOUND.answer("100"),
    "hook-09": INBOUND.end("answered", 134, "100", "100", REC),
    "hook-10": Inbound(
        CALL[0][:-1] + "8", "2026-05-04 09:16:00", "442079460202", "442079460900"
    ).end("cancel"),
    "hook-11": OUTBOUND.start(),
    "hook-13": OUTBOUND.end("no answer"),
    "hook-14": Outbound(
        "out_dcb22bcd4e78fa4b627aa2e0c67d0191cd0a5067",
        "2026-05-04 10:05:30",
        "442079460900",
        "114023-100",
        "442079460205",
        "callback_leg2",
    ).end("answered", 61, "1777889130.7654321"),
    "hook-15": record(CALL[0], REC),
    "hook-16": INBOUND.ivr("menu", "2"),
}


@pytest.mark.parametrize("vector", VECTORS["webhooks"], ids=lambda v: v["id"])
def test_webhook_vectors(vector):
    built = BUILT.get(vector["id"])
    if built:
        assert built.fields == vector["fields"]
    step = built or Step(vector["event"], vector["fields"], 0)
    rendered = wire.render(step, vector["secret"])
    assert rendered.body.decode() == vector["body"]
    assert rendered.headers["Signature"] == vector["expected_signature"]
    assert rendered.headers["Content-Type"] == vector["content_type"]
    assert rendered.headers["User-Agent"] == "Zadarma API v1"


@pytest.mark.parametrize(
    "vector", VECTORS["webhooks_extra_events"], ids=lambda v: v["id"]
)
def test_vectors_of_other_events_are_signed_alike(vector):
    step = Step(vector["event"], vector["fields"], 0)
    rendered = wire.render(step, vector["secret"])
    assert rendered.headers["Signature"] == vector["expected_signature"]
    assert rendered.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert rendered.headers["User-Agent"] == "Zadarma API"


def test_without_a_secret_nothing_is_signed():
    assert "Signature" not in wire.render(INBOUND.start(), "").headers


def test_numbers_with_and_without_plus():
    assert (plus("442079460201"), plus("+442079460201")) == ("+442079460201",) * 2
    assert (bare("+442079460201"), bare("442079460201")) == ("442079460201",) * 2
    assert [plus(x) for x in ("100", "", "anonymous")] == ["100", "", "anonymous"]
    assert [bare(x) for x in ("+", "", "anonymous")] == ["+", "", "anonymous"]


def test_the_day_names_scenarios_and_is_short():
    calls = day.calls()
    assert 18 <= len(calls) <= 24
    assert {call["scenario"] for call in calls} <= set(SCENARIOS)
    assert sum(call.get("ring", 0) for call in calls) <= 10


@pytest.mark.parametrize("until", ["2026-11-27 15:30", "2026-03-30 08:00"])
def test_two_weeks_of_office_hours(until):
    until = datetime.fromisoformat(until)
    calls = past.calls(until)
    assert calls == past.calls(until)
    assert 100 < len(calls) < 250
    assert {"missed", "voicemail", "transfer"} <= {c["scenario"] for c in calls}
    assert len({call["pbx_call_id"] for call in calls}) == len(calls)
    assert {call["extension"] for call in calls} == {"100", "101", "102", "103"}
    before = datetime.min
    for call in calls:
        start = datetime.fromisoformat(call["call_start"])
        assert start.weekday() < 5 and 8 <= start.hour < 18
        assert before < start < until
        ready = past.planned(call, "Europe/London")
        [*_, (_step, over)] = past.moments(ready, "Europe/London")
        before = over.replace(tzinfo=None)
        assert before < until
    numbers = [call["caller"] for call in calls if call["scenario"] == "missed"]
    back = {call["caller"] for call in calls if call["scenario"] == "outbound"}
    assert back & set(numbers)


def test_a_past_call_rings_and_is_recorded_as_planned():
    call = next(c for c in past.calls(datetime(2026, 11, 27, 15)) if c["recorded"])
    ready = past.planned({**call, "scenario": "answered", "ring": 12}, "Asia/Tokyo")
    moments = past.moments(ready, "Asia/Tokyo")
    start, answer = moments[0][1], moments[2][1]
    assert start.isoformat(" ") == f"{call['call_start']}+09:00"
    assert (answer - start).total_seconds() == 12
    assert ready.steps[-1].event == "NOTIFY_RECORD" and ready.rows[0]["is_recorded"]
    silent = past.planned({**call, "scenario": "answered", "recorded": False}, "UTC")
    assert not any("call_id_with_rec" in step.fields for step in silent.steps)
    assert not silent.rows[0]["is_recorded"]
