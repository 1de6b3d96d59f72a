"""Signatures: the vectors that the official SDKs made, and what no vector can list."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from telephony.zadarma.signature import (
    SIGNED_FIELDS,
    check_event,
    encode_params,
    sign_event,
    sign_request,
)

VECTORS = json.loads(
    (Path(__file__).parents[2] / "tests" / "zadarma-vectors.json").read_text()
)
REQUESTS = VECTORS["api_signing"]
GOOD = VECTORS["webhooks"] + VECTORS["webhooks_extra_events"]
DOUBTFUL = VECTORS["webhooks_negative"]
DISAGREEMENTS = {vector["id"]: vector for vector in VECTORS["sdk_disagreements"]}

# Which fields prove an event: the sheet's table (5.3), typed anew on purpose.
START = ["caller_id", "called_did", "call_start"]
OUT = ["internal", "destination", "call_start"]
SIGNED = {
    "NOTIFY_START": START,
    "NOTIFY_INTERNAL": START,
    "NOTIFY_END": START,
    "NOTIFY_IVR": START,
    "NOTIFY_ANSWER": ["caller_id", "destination", "call_start"],
    "NOTIFY_OUT_START": OUT,
    "NOTIFY_OUT_END": OUT,
    "NOTIFY_RECORD": ["pbx_call_id", "call_id_with_rec"],
    "SMS": ["result"],
    "NUMBER_LOOKUP": ["result"],
    "CALL_TRACKING": ["result"],
    "SPEECH_RECOGNITION": ["result"],
    "DOCUMENT": ["result"],
}
SECRET = "5fa0200ffca68e1517d4"
# Whatever a header can hold, also what no header can.
GARBAGE = st.one_of(
    st.text(),
    st.text(st.characters(codec=None)),
    st.binary().map(lambda raw: raw.decode("latin-1")),
    st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")),
)


def by_id(vector):
    return vector["id"]


def test_the_vectors_are_all_there():
    assert [len(part) for part in (REQUESTS, GOOD, DOUBTFUL)] == [20, 20, 12]


@pytest.mark.parametrize("vector", REQUESTS, ids=by_id)
def test_a_request_is_signed_as_the_sdks_do(vector):
    params = vector["signed_params"]
    assert encode_params(params) == vector["params_string"]
    signature = sign_request(vector["method_path"], params, vector["secret"])
    assert f"{vector['key']}:{signature}" == vector["expected_authorization"]


@pytest.mark.parametrize("vector", REQUESTS, ids=by_id)
def test_the_order_of_parameters_does_not_matter(vector):
    params = dict(reversed(vector["signed_params"].items()))
    signature = sign_request(vector["method_path"], params, vector["secret"])
    assert vector["expected_authorization"].endswith(":" + signature)


@pytest.mark.parametrize("id_", ["dis-01", "dis-03"])
def test_where_the_sdks_differ_we_do_as_the_php_one(id_):
    vector = DISAGREEMENTS[id_]
    php = vector["php_sdk"]
    assert encode_params(vector["signed_params"]) == php["params_string"]
    signature = sign_request(
        vector["method_path"], vector["signed_params"], vector["secret"]
    )
    assert f"{vector['key']}:{signature}" == php["authorization"]


def test_dropped_values_are_dropped_at_any_depth():
    params = {"a": None, "b": {"c": None, "d": "1"}, "e": [None, "2"], "f": ""}
    assert encode_params(params) == "b%5Bd%5D=1&e%5B1%5D=2&f="


@pytest.mark.parametrize("vector", GOOD, ids=by_id)
def test_a_good_webhook_is_known(vector):
    event, fields, secret = vector["event"], vector["fields"], vector["secret"]
    signature = vector["expected_signature"]
    assert sign_event(event, fields, secret) == signature
    assert check_event(event, fields, secret, signature)


@pytest.mark.parametrize("vector", DOUBTFUL, ids=by_id)
def test_a_doubtful_webhook_is_judged_as_the_vector_says(vector):
    fields, header = vector["fields"], vector["signature_header"]
    verdict = check_event(fields["event"], fields, vector["secret"], header)
    assert verdict is vector["expected_valid"]


@pytest.mark.parametrize("vector", VECTORS["webhooks"], ids=by_id)
def test_the_raw_digest_is_no_proof(vector):
    raw = vector["wrong_raw_digest_base64"]
    assert len(base64.b64decode(raw)) == 20
    assert not check_event(vector["event"], vector["fields"], vector["secret"], raw)


def test_the_table_of_signed_fields_is_the_sheet_s():
    assert {event: list(names) for event, names in SIGNED_FIELDS.items()} == SIGNED


@settings(max_examples=200)
@given(vector=st.sampled_from(GOOD), data=st.data())
def test_any_change_of_a_signed_field_is_refused(vector, data):
    fields, event = vector["fields"], vector["event"]
    name = data.draw(st.sampled_from(SIGNED[event]))
    value = data.draw(st.text(st.characters(codec="utf-8")))
    assume(value != fields.get(name, ""))
    changed = {**fields, name: value}
    # Fields are joined without a separator: text moved across a seam is the same text.
    told = ["".join(f.get(n, "") for n in SIGNED[event]) for f in (fields, changed)]
    assume(told[0] != told[1])
    signature = vector["expected_signature"]
    assert not check_event(event, changed, vector["secret"], signature)


@pytest.mark.parametrize("vector", GOOD, ids=by_id)
def test_a_signed_field_that_is_missing_is_refused(vector):
    for name in SIGNED[vector["event"]]:
        fields = {k: v for k, v in vector["fields"].items() if k != name}
        if vector["fields"].get(name):
            assert not check_event(
                vector["event"], fields, vector["secret"], vector["expected_signature"]
            )


@given(
    vector=st.sampled_from(GOOD),
    extra=st.dictionaries(st.text(), st.text(), max_size=3),
)
def test_fields_that_are_not_signed_prove_nothing_and_break_nothing(vector, extra):
    signed = SIGNED[vector["event"]]
    extra = {name: value for name, value in extra.items() if name not in signed}
    assert check_event(
        vector["event"],
        {**vector["fields"], **extra},
        vector["secret"],
        vector["expected_signature"],
    )


@given(signature=GARBAGE, vector=st.sampled_from(GOOD))
def test_garbage_instead_of_a_signature_is_refused(signature, vector):
    assume(signature != vector["expected_signature"])
    assert not check_event(
        vector["event"], vector["fields"], vector["secret"], signature
    )


@given(text=st.text(st.characters(codec=None)))
@example(text="\ud800")
def test_text_that_no_form_can_hold_is_refused_too(text):
    assume(text != GOOD[0]["fields"]["caller_id"])
    fields = {**GOOD[0]["fields"], "caller_id": text}
    signature = GOOD[0]["expected_signature"]
    assert not check_event("NOTIFY_START", fields, SECRET, signature)


@pytest.mark.parametrize("signature", ["\ud800", "\udc80", "é" * 56, "=" * 56, "\0"])
def test_no_signature_makes_the_check_raise(signature):
    vector = GOOD[0]
    assert not check_event(
        vector["event"], vector["fields"], vector["secret"], signature
    )


@pytest.mark.parametrize("change", [str.lower, lambda s: s[:-1], "{}=".format])
def test_the_signature_is_compared_letter_for_letter(change):
    vector = GOOD[0]
    changed = change(vector["expected_signature"])
    assert not check_event(vector["event"], vector["fields"], vector["secret"], changed)


@pytest.mark.parametrize("secret", ["", None])
def test_without_a_secret_nothing_is_proven(secret):
    fields = GOOD[0]["fields"]
    signature = sign_event("NOTIFY_START", fields, "")
    assert not check_event("NOTIFY_START", fields, secret, signature)


class TestAnEventThatIsNotDocumented:
    FIELDS = {"caller_id": "442079460201", "call_start": "2026-05-04 09:15:07"}

    def test_start_s_rule_is_tried(self):
        signature = sign_event("NOTIFY_START", self.FIELDS, SECRET)
        assert check_event("NOTIFY_FUTURE", self.FIELDS, SECRET, signature)
        assert sign_event("NOTIFY_FUTURE", self.FIELDS, SECRET) == signature

    def test_then_that_of_result(self):
        fields = {"result": '{"a":1}'}
        signature = sign_event("SMS", fields, SECRET)
        assert check_event("FUTURE", fields, SECRET, signature)
        assert sign_event("FUTURE", fields, SECRET) == signature

    def test_either_does_where_both_could(self):
        fields = {**self.FIELDS, "result": "x"}
        for event in ("NOTIFY_START", "SMS"):
            signature = sign_event(event, fields, SECRET)
            assert check_event("FUTURE", fields, SECRET, signature)

    def test_no_other_rule_is(self):
        fields = {"internal": "100", "destination": "442079460203"}
        signature = sign_event("NOTIFY_OUT_START", fields, SECRET)
        assert not check_event("NOTIFY_FUTURE", fields, SECRET, signature)

    def test_a_known_event_is_not_tried_by_other_rules(self):
        fields = {**self.FIELDS, "result": "x"}
        signature = sign_event("SMS", fields, SECRET)
        assert not check_event("NOTIFY_START", fields, SECRET, signature)


@pytest.mark.parametrize("event", [*SIGNED, "NOTIFY_FUTURE"])
def test_the_signature_of_no_text_at_all_proves_nothing(event):
    # It would be one and the same for every event whose signed fields are missing.
    fields = {"event": event, "duration": "1"}
    signature = sign_event(event, fields, SECRET)
    assert not check_event(event, fields, SECRET, signature)
