"""The raw request: content types, encodings, limits, and what is kept of it."""

import json
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony import dialect
from telephony.dialect import Account, Delivery, MenuStep, Refused, Request
from telephony.zadarma import events
from telephony.zadarma.signature import sign_event

VECTORS = json.loads(
    (Path(__file__).parents[2] / "tests" / "zadarma-vectors.json").read_text()
)
FORM = "application/x-www-form-urlencoded"
SECRET = "5fa0200ffca68e1517d4"
ACCOUNT = Account(key="k", secret=SECRET)
ZADARMA = dialect.get("zadarma")
FIELDS = VECTORS["webhooks"][0]["fields"]


def by_id(vector):
    return vector["id"]


def post(body, content_type=FORM, **headers):
    headers = {"content-type": content_type, **headers}
    if content_type is None:
        del headers["content-type"]
    body = body if isinstance(body, bytes) else body.encode()
    return Request("POST", headers, {}, body)


def signed(fields, **request):
    signature = sign_event(fields["event"], fields, SECRET)
    return post(urlencode(fields), signature=signature, **request)


def multipart(fields, boundary="------zadarma1234"):
    """Return ``(body, content type)`` as a C library sends a form with parts."""
    lines = []
    for name, value in fields.items():
        disposition = f'Content-Disposition: form-data; name="{name}"'
        lines += [f"--{boundary}", disposition, "", value]
    lines += [f"--{boundary}--", ""]
    body = "\r\n".join(lines).encode()
    return body, f"multipart/form-data; boundary={boundary}"


def flat(fields):
    """Return a vector's fields under the names they have in the form."""
    names = {}
    for name, value in fields.items():
        if isinstance(value, dict):
            names.update({f"{name}[{key}]": text for key, text in value.items()})
        else:
            names[name] = value
    return names


def refused(request, account=ACCOUNT):
    with pytest.raises(Refused) as caught:
        ZADARMA.check(request, account)
    assert caught.value.reason
    return caught.value.status


@pytest.mark.parametrize(
    "vector", VECTORS["webhooks"] + VECTORS["webhooks_extra_events"], ids=by_id
)
class TestVectors:
    def check(self, vector, body, content_type):
        request = post(body, content_type, signature=vector["expected_signature"])
        return ZADARMA.check(request, Account(secret=vector["secret"]))

    def test_as_a_form(self, vector):
        content_type = vector.get("content_type", FORM)
        delivery = self.check(vector, vector["body"], content_type)
        assert delivery.payload == flat(vector["fields"])
        assert delivery.event_type == vector["event"]
        assert delivery.ref == vector["fields"].get("pbx_call_id", "")

    def test_as_parts(self, vector):
        fields = flat(vector["fields"])
        assert self.check(vector, *multipart(fields)).payload == fields

    def test_with_another_secret(self, vector):
        request = post(vector["body"], signature=vector["expected_signature"])
        assert refused(request, Account(secret="another")) == 403

    def test_unsigned(self, vector):
        assert refused(post(vector["body"]), Account(secret=vector["secret"])) == 403

    def test_before_the_secret_is_entered(self, vector):
        request = post(vector["body"], signature=vector["expected_signature"])
        assert refused(request, Account()) == 403


class TestContentTypes:
    @pytest.mark.parametrize(
        "content_type",
        [FORM, FORM.upper(), f"{FORM}; charset=UTF-8", f" {FORM} ;charset=utf-8"],
    )
    def test_a_form_by_any_spelling(self, content_type):
        request = signed(FIELDS, content_type=content_type)
        assert ZADARMA.check(request, ACCOUNT).payload == FIELDS

    @pytest.mark.parametrize(
        "content_type",
        [None, "", "application/json", "text/plain", "text/xml", "nonsense",
         "application/x-www-form-urlencoded-not", "multipart/mixed; boundary=x"],
    )  # fmt: skip
    def test_anything_else_is_not_taken(self, content_type):
        assert refused(signed(FIELDS, content_type=content_type)) == 415

    @pytest.mark.parametrize(
        "content_type",
        ["multipart/form-data", "multipart/form-data; boundary=",
         "multipart/form-data; boundary=other", "multipart/form-data; boundary=\"",
         "multipart/form-data; boundary=é", "multipart/form-data; boundary*=x''%"],
    )  # fmt: skip
    def test_parts_that_cannot_be_told_apart(self, content_type):
        body, _content_type = multipart(FIELDS)
        assert refused(post(body, content_type, signature="x")) == 400

    @pytest.mark.parametrize(
        "part",
        [b"", b"Content-Disposition: form-data\r\n\r\nvalue", b"\r\n\r\nvalue",
         b"Content-Disposition: form-data; name*=utf-8''event\r\n\r\nSMS",
         b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--",
         b'Content-Disposition: form-data; name="event"\r\n\r\n\xff'],
    )  # fmt: skip
    def test_a_part_that_is_no_field(self, part):
        body = b"--b\r\n" + part + b"\r\n--b--\r\n"
        assert refused(post(body, "multipart/form-data; boundary=b")) == 400

    @given(
        values=st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=50),
            max_size=5,
        )
    )
    def test_every_text_comes_through_as_it_was_sent(self, values):
        fields = {f"field{i}": value for i, value in enumerate(values)}
        fields["event"] = "SMS"
        assert events.parse_form(post(urlencode(fields))) == fields
        assert events.parse_form(post(*multipart(fields))) == fields

    @given(
        body=st.binary(max_size=300),
        content_type=st.one_of(
            st.text(st.characters(codec="latin-1", exclude_characters="\r\n")),
            st.sampled_from([FORM, "multipart/form-data; boundary=b"]),
            st.text(max_size=20).map("multipart/form-data; boundary=".__add__),
        ),
        part=st.booleans(),
    )
    def test_no_body_makes_the_reader_fail(self, body, content_type, part):
        if part:
            body = b"--b\r\nContent-Disposition: form-data" + body + b"\r\n--b--\r\n"
        try:
            fields = events.parse_form(post(body, content_type))
        except Refused as error:
            assert error.status in (400, 413, 415)
        else:
            assert fields["event"]


class TestEncodings:
    def test_a_plus_is_a_space_unless_it_is_escaped(self):
        request = post("event=X&a=1+1%2B1&b=%2B44&c=%20")
        told = events.parse_form(request)
        assert told == {"event": "X", "a": "1 1+1", "b": "+44", "c": " "}

    @pytest.mark.parametrize(
        "body", [b"event=X&a=%FF", b"event=X&a=\xff", b"event=X&a=%ED%A0%80"]
    )
    def test_what_is_not_utf_8_is_refused(self, body):
        assert refused(post(body, signature="x")) == 400

    def test_letters_of_any_script_may_come_unescaped(self):
        fields = {"event": "SMS", "result": "Привет 👋 & 1+1=2"}
        body = "event=SMS&result=Привет 👋 %26 1%2B1=2"
        assert events.parse_form(post(body)) == fields

    def test_nested_names_stay_as_they_came(self):
        body = "event=NOTIFY_IVR&wait_dtmf%5Bname%5D=menu&wait_dtmf[digits]=2"
        told = events.parse_form(post(body))
        assert told["wait_dtmf[name]"] == "menu" and told["wait_dtmf[digits]"] == "2"

    def test_empty_fields_are_kept_and_the_last_of_equal_names_counts(self):
        told = events.parse_form(post("event=A&x=&event=B"))
        assert told == {"event": "B", "x": ""}


class TestLimits:
    @pytest.mark.parametrize(
        "name, limit",
        [("pbx_call_id", 200), ("call_id", 200), ("call_id_with_rec", 200),
         ("caller_id", 1000), ("disposition", 1000), ("anything", 1000),
         ("event", 1000)],
    )  # fmt: skip
    def test_a_field_may_be_so_long_and_no_longer(self, name, limit):
        # Characters, not bytes.
        fields = {"event": "X", "caller_id": "1", name: "é" * limit}
        assert ZADARMA.check(signed(fields), ACCOUNT).payload == fields
        fields[name] += "é"
        assert refused(signed(fields)) == 400

    def test_a_result_may_fill_the_body(self):
        fields = {"event": "SMS", "result": "x" * 1_000_000}
        assert ZADARMA.check(signed(fields), ACCOUNT).payload == fields

    @pytest.mark.parametrize("content_type", [FORM, "multipart/form-data; boundary=b"])
    def test_the_body_may_have_one_mebibyte(self, content_type):
        body = b"event=SMS&result="
        body += b"x" * (1024 * 1024 - len(body))
        assert events.parse_form(post(body))["event"] == "SMS"
        assert refused(post(body + b"x", content_type)) == 413

    @pytest.mark.parametrize("body", ["event=X&a=%00", "event=X%00", "event=X&%00=1"])
    def test_a_nul_is_refused(self, body):
        assert refused(post(body, signature="x")) == 400

    @pytest.mark.parametrize("body", ["", "a=1", "event=", "event", "=", "&&&"])
    def test_without_an_event_there_is_none(self, body):
        assert refused(post(body, signature="x")) == 400

    def test_a_flood_of_fields_is_refused(self):
        fields = {"event": "X", **{f"f{i}": "" for i in range(5000)}}
        assert refused(post(urlencode(fields))) == 400
        assert refused(post(*multipart(fields))) == 400

    def test_the_reason_holds_nothing_of_the_request(self):
        for request in (post("event=X&a=secret%FF"), post("a=secret"), signed(FIELDS)):
            with pytest.raises(Refused) as caught:
                ZADARMA.check(request, Account(secret="hidden"))
            for word in ("secret", "hidden", FIELDS["caller_id"]):
                assert word not in str(caught.value)


class TestDelivery:
    def test_a_repeat_is_known_by_its_digest(self):
        first, again = (ZADARMA.check(signed(FIELDS), ACCOUNT) for _ in range(2))
        assert first.digest == again.digest != ""
        # The order in which the fields came says nothing.
        turned = dict(reversed(FIELDS.items()))
        assert ZADARMA.check(signed(turned), ACCOUNT).digest == first.digest

    @pytest.mark.parametrize("name", ["internal", "duration", "disposition", "event"])
    def test_any_other_field_makes_another_event(self, name):
        first = ZADARMA.check(signed(FIELDS), ACCOUNT)
        other = ZADARMA.check(signed({**FIELDS, name: "NOTIFY_END"}), ACCOUNT)
        assert other.digest != first.digest

    def test_two_equal_messages_may_be_two(self):
        fields = {"event": "SMS", "result": '{"text":"yes"}'}
        assert ZADARMA.check(signed(fields), ACCOUNT).digest == ""

    def test_what_is_kept_is_enough_to_read_it_again(self):
        delivery = ZADARMA.check(signed(FIELDS), ACCOUNT)
        kept = json.loads(json.dumps(delivery.payload))
        again = Delivery(delivery.event_type, delivery.ref, kept)
        received = "any"
        told = ZADARMA.read(delivery, received, ACCOUNT)
        assert told == ZADARMA.read(again, received, ACCOUNT) != []

    @pytest.mark.parametrize(
        "event, asks",
        [("NOTIFY_START", True), ("NOTIFY_IVR", True), ("NOTIFY_INTERNAL", False),
         ("NOTIFY_END", False), ("NOTIFY_FUTURE", False)],
    )  # fmt: skip
    def test_only_start_and_the_menu_ask_how_to_go_on(self, event, asks):
        request = signed({**FIELDS, "event": event})
        assert ZADARMA.check(request, ACCOUNT).asks_routing is asks

    @pytest.mark.parametrize(
        "fields, step",
        [
            ({"wait_dtmf[name]": "m7", "wait_dtmf[digits]": "2"}, MenuStep("m7", "2")),
            (
                {"wait_dtmf[name]": " m7 ", "wait_dtmf[digits]": " *1 "},
                MenuStep("m7", "*1"),
            ),
            (
                {"wait_dtmf[name]": "m7", "wait_dtmf[default_behaviour]": "hangup"},
                MenuStep("m7", defaulted=True),
            ),
            (
                {
                    "wait_dtmf[name]": "m7",
                    "wait_dtmf[digits]": "",
                    "wait_dtmf[default_behaviour]": " ",
                },
                MenuStep("m7"),
            ),
            # What it said needed no key.
            ({"ivr_saydigits": "COMPLETE"}, MenuStep("")),
            ({}, MenuStep("")),
        ],
    )
    def test_a_finished_step_is_no_new_call(self, fields, step):
        told = {**FIELDS, "event": "NOTIFY_IVR", **fields}
        assert ZADARMA.check(signed(told), ACCOUNT).step == step

    def test_the_same_key_may_be_pressed_again(self):
        step = {**FIELDS, "event": "NOTIFY_IVR", "wait_dtmf[name]": "m7"}
        assert ZADARMA.check(signed(step), ACCOUNT).digest == ""
        # In menus that are not ours nobody goes round by our answers.
        for other in ({"wait_dtmf[name]": "menu"}, {}):
            step = {**FIELDS, "event": "NOTIFY_IVR", **other}
            assert ZADARMA.check(signed(step), ACCOUNT).digest

    def test_no_other_event_finishes_a_step(self):
        told = {**FIELDS, "event": "NOTIFY_START", "wait_dtmf[name]": "m7"}
        assert ZADARMA.check(signed(told), ACCOUNT).step is None


class TestFormerSecret:
    """What was signed before the keys were replaced may still be on its way."""

    def check(self, signed_by, **secrets):
        signature = sign_event(FIELDS["event"], FIELDS, signed_by)
        request = post(urlencode(FIELDS), signature=signature)
        return ZADARMA.check(request, Account(**secrets))

    @pytest.mark.parametrize("signed_by", ["new", "old"])
    def test_both_are_taken(self, signed_by):
        delivery = self.check(signed_by, secret="new", former_secret="old")
        assert delivery.payload == FIELDS

    @pytest.mark.parametrize(
        "signed_by, secrets",
        [
            ("old", {"secret": "new"}),
            ("", {"secret": "new", "former_secret": ""}),
            ("other", {"secret": "new", "former_secret": "old"}),
            # Without a secret nothing is taken, whatever there was before.
            ("old", {"secret": "", "former_secret": "old"}),
        ],
    )
    def test_nothing_else_is(self, signed_by, secrets):
        with pytest.raises(Refused) as caught:
            self.check(signed_by, **secrets)
        assert caught.value.status == 403
