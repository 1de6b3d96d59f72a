"""Single posts of Asterisk as events of a leg: roles, numbers, times, causes."""

import json
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.asterisk import events
from telephony.call import derive
from telephony.dialect import Account
from telephony.event import EXTENSION, PIPE, TRUNK, with_known_extensions
from telephony.facts import CallFacts

NOW = datetime(2026, 11, 29, 12)
GB = Account(country="GB")
RU = Account(country="RU")
US = Account(country="US")


def post(event="CHAN_START", **fields):
    return {
        "event": event,
        "id": "1790000000.0",
        "leg": "1790000000.0",
        "time": "1790000000.123",
        "chan": "PJSIP/carrier-00000000",
        **fields,
    }


def read(account=GB, **fields):
    [event] = events.read(post(**fields), NOW, account)
    return event


def with_options(**options):
    return Account(country="GB", options=options)


class TestEndpoint:
    @pytest.mark.parametrize(
        ("channel", "endpoint", "role"),
        [
            ("PJSIP/201-0000000b", "201", EXTENSION),
            ("PJSIP/12345-0000000b", "12345", EXTENSION),
            ("PJSIP/123456-0000000b", "123456", ""),
            ("PJSIP/anna-0000000b", "anna", ""),
            ("PJSIP/my-trunk-0000000b", "my-trunk", ""),
            ("pjsip/201-0000000b", "201", EXTENSION),
            # Of another technology than our phones: a line, or a phone that is entered.
            ("SIP/201-0000000b", "SIP/201", ""),
            ("DAHDI/1-1", "DAHDI/1", ""),
            ("DAHDI/i1/0201-1a", "DAHDI/i1/0201", ""),
            ("IAX2/office-1234", "IAX2/office", ""),
            ("Local/201@ctx-0000000b;1", "Local/201@ctx-0000000b", PIPE),
            ("Local/201@ctx-0000000b;2", "Local/201@ctx-0000000b", PIPE),
            ("Message/ast_msg_queue", "", ""),
            ("Snoop/1790000000.12-00000001", "", ""),
            ("201", "", ""),
            ("", "", ""),
        ],
    )
    def test_by_its_name(self, channel, endpoint, role):
        assert events.endpoint_of(channel, GB) == (endpoint, role)

    @pytest.mark.parametrize(
        ("trunks", "endpoint", "role"),
        [
            ("carrier", "carrier", TRUNK),
            ("carrier", "anna", EXTENSION),
            ("sip-*, other", "sip-berlin", TRUNK),
            ("sip-*, other", "other", TRUNK),
            ("sip-*, other", "another", EXTENSION),
            ("100", "100", TRUNK),
        ],
    )
    def test_where_trunks_are_named(self, trunks, endpoint, role):
        account = with_options(asterisk_trunks=trunks)
        assert events.endpoint_of(f"PJSIP/{endpoint}-0000000b", account) == (
            endpoint,
            role,
        )

    @pytest.mark.parametrize(
        ("channel", "role"),
        [
            ("SIP/201-0000000b", EXTENSION),
            ("SCCP/201-0000000b", EXTENSION),
            ("DAHDI/1-1", EXTENSION),
            ("DAHDI/i1/0201-1a", TRUNK),
            ("SIP/carrier-0000000b", TRUNK),
            ("IAX2/branch-1234", TRUNK),
            ("PJSIP/branch-0000000b", EXTENSION),
        ],
    )
    def test_of_another_technology_where_trunks_are_named(self, channel, role):
        account = with_options(asterisk_trunks="carrier, DAHDI/i1*, IAX2/branch")
        assert events.endpoint_of(channel, account)[1] == role

    def test_of_another_technology(self):
        account = with_options(asterisk_technology="SIP")
        assert events.endpoint_of("SIP/201-0000000b", account) == ("201", EXTENSION)
        account = with_options(asterisk_technology="IAX2")
        assert events.endpoint_of("IAX2/201-1234", account) == ("201", EXTENSION)


class TestNumbers:
    @pytest.mark.parametrize(
        ("account", "reported", "number"),
        [
            (GB, "+442079460201", "+442079460201"),
            (GB, "00442079460201", "+442079460201"),
            (GB, "442079460201", "+442079460201"),
            (GB, "02079460201", "+442079460201"),
            (RU, "89161234567", "+79161234567"),
            (RU, "79161234567", "+79161234567"),
            # Also +20 7 946 0201, of Egypt, if it were read as international.
            (US, "2079460201", "+12079460201"),
            (GB, "201", "201"),
            (GB, "anonymous", ""),
            (GB, "", ""),
        ],
    )
    def test_of_a_caller(self, account, reported, number):
        assert read(account, num=reported).caller == number

    @pytest.mark.parametrize(
        ("dialled", "number"),
        [
            ("s", ""),
            ("h", ""),
            ("*97", "*97"),
            ("202", "202"),
            ("02079460201", "+442079460201"),
        ],
    )
    def test_dialled(self, dialled, number):
        assert read(exten=dialled).called == number

    def test_dialled_behind_a_prefix(self):
        account = with_options(asterisk_dial_prefix="9")
        phone = {"chan": "PJSIP/201-00000001"}
        dialled = read(account, exten="902079460201", **phone)
        assert dialled.called == "+442079460201"
        assert read(account, exten="911", **phone).called == "911"

    @pytest.mark.parametrize("trunks", ["carrier", ""])
    @pytest.mark.parametrize("event", ["CHAN_START", "start"])
    @pytest.mark.parametrize(
        ("country", "prefix", "line", "number"),
        [
            ("US", "9", "9175550123", "+19175550123"),
            ("IT", "0", "0266712345", "+390266712345"),
            ("RU", "9", "9161234567", "+79161234567"),
            ("DE", "0", "00493012345678", "+493012345678"),
            ("IN", "9", "911140001234", "+911140001234"),
        ],
    )
    def test_our_own_line_has_no_prefix(
        self, country, prefix, line, number, event, trunks
    ):
        account = Account(
            country=country,
            options={"asterisk_dial_prefix": prefix, "asterisk_trunks": trunks},
        )
        told = read(account, event=event, exten=line, line=line, num="+442079460201")
        call = derive(CallFacts([told]), country=country)
        assert (call.direction, call.line) == ("inbound", number)

    @pytest.mark.parametrize("known", [True, False])
    def test_a_phone_whose_name_does_not_say_that_it_is_one(self, known):
        account = with_options(asterisk_dial_prefix="9")
        told = read(account, exten="902079460201", chan="PJSIP/anna-00000001")
        facts = CallFacts(with_known_extensions([told], ["anna"] if known else []))
        call = derive(facts, country="GB")
        assert call.direction == ("outbound" if known else "inbound")
        assert (call.number == "+442079460201") == known


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1790000000.123", datetime(2026, 9, 21, 14, 13, 20, 123000)),
        ("1790000000", datetime(2026, 9, 21, 14, 13, 20)),
        ("", None),
        ("-1", None),
        ("1e9", None),
        ("999999999999.000", None),
    ],
)
def test_time(text, moment):
    assert read(time=text).at == moment


@pytest.mark.parametrize(
    ("extra", "disposition", "said"),
    [
        ({"hangupcause": 17, "dialstatus": ""}, "busy", "cause 17"),
        ({"hangupcause": 0}, "no_answer", "cause 0"),
        ({"hangupcause": 19}, "no_answer", "cause 19"),
        ({"hangupcause": 127}, "cancelled", "cause 127"),
        ({"hangupcause": 16, "dialstatus": "ANSWER"}, "", "ANSWER"),
        ({"hangupcause": 26}, "", "cause 26"),
        ({"hangupcause": 1, "dialstatus": "NOANSWER"}, "failed", "NOANSWER"),
        ({"hangupcause": 16, "dialstatus": "CANCEL"}, "cancelled", "CANCEL"),
        ({}, "", ""),
        ({"hangupcause": "x"}, "", ""),
    ],
)
def test_end_of_a_leg(extra, disposition, said):
    event = read(event="HANGUP", extra=json.dumps(extra))
    assert (event.disposition, event.said) == (disposition, said)


def test_legs_of_a_transfer():
    extra = {"transferee_channel_uniqueid": "a", "channel2_uniqueid": "b", "other": "c"}
    assert read(event="ATTENDEDTRANSFER", extra=json.dumps(extra)).other_legs == (
        "b",
        "a",
    )


@pytest.mark.parametrize("nothing", ["N/A", "", None, 0, [], {"a": "b"}])
def test_what_is_no_id_names_no_leg(nothing):
    extra = {"channel2_uniqueid": "b", "transfer_target_channel_uniqueid": nothing}
    event = read(event="ATTENDEDTRANSFER", extra=json.dumps(extra))
    assert event.other_legs == ("b",)
    event = read(event="BRIDGE_ENTER", extra=json.dumps({"bridge_id": nothing}))
    assert event.bridge == ""
    event = read(event="RECORDING", extra=json.dumps({"extra": nothing}))
    assert event.recording == ""


@pytest.mark.parametrize("name", ["id", "leg"])
def test_an_event_of_no_leg_tells_of_no_call(name):
    assert events.read(post(**{name: "N/A"}), NOW, GB) == []


def test_recording():
    event = read(event="RECORDING", extra='{"extra":"1790000000.4"}')
    assert (event.kind, event.recording) == ("recorded", "1790000000.4")


def test_recording_begun_on_a_local_channel():
    event = read(
        event="RECORDING",
        chan="Local/201@ctx-00000001;2",
        extra='{"extra":"1790000000.4"}',
    )
    assert (event.kind, event.recording) == ("recorded", "1790000000.4")
    assert event.role == PIPE


@pytest.mark.parametrize("extra", ["[" * 50_000, '{"extra":' * 5_000])
def test_extra_that_is_nested_too_deeply_says_nothing(extra):
    assert read(event="HANGUP", extra=extra).disposition == ""


def test_what_no_database_can_hold_is_replaced():
    event = read(event="RECORDING", extra=r'{"extra":"a\ud83d\u0000b"}')
    assert event.recording == "a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}b"
    event = read(event="PICKUP", extra=r'{"pickup_channel_uniqueid":"\udc00"}')
    assert event.other_legs == ("\N{REPLACEMENT CHARACTER}",)


@pytest.mark.parametrize(
    "fields",
    [
        {"event": "FORWARD"},
        {"event": "replayed", "id": "", "leg": ""},
        {"event": "CHAN_START", "leg": ""},
        {"event": "CHAN_START", "chan": "Local/201@ctx-00000001;1"},
        {"event": "SOMETHING_NEW"},
    ],
)
def test_tells_of_no_call(fields):
    assert events.read(post(**fields), NOW, GB) == []


TEXT = st.text(max_size=40)


@given(
    st.dictionaries(st.sampled_from([*post(), "num", "exten", "extra", "line"]), TEXT),
    st.sampled_from(sorted(events.KINDS)),
)
def test_whatever_is_signed_can_be_read(fields, kind):
    for event in events.read({**fields, "event": kind}, NOW, GB):
        assert event.leg and event.ref and event.endpoint


@given(
    st.recursive(st.none() | st.integers() | TEXT, lambda x: st.lists(x, max_size=3))
)
def test_extra_may_be_anything(extra):
    for kind in ("HANGUP", "BRIDGE_ENTER", "PICKUP", "RECORDING"):
        events.read(
            post(
                kind,
                extra=json.dumps(
                    {"extra": extra, "hangupcause": extra, "x_uniqueid": extra}
                ),
            ),
            NOW,
            GB,
        )
