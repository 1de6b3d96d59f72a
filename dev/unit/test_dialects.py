"""The register of PBX dialects, their interface, and a PBX unlike Zadarma in all."""

from datetime import datetime, timedelta
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_dialect import SEAL, XML, Toy, seal

from telephony import dialect
from telephony.call import CallFacts, derive
from telephony.dialect import (
    GENERAL,
    STATISTICS,
    Account,
    Decision,
    Delivery,
    Dialect,
    FormField,
    NotOffered,
    Proof,
    Refused,
    Request,
)

ACCOUNT = Account(key="open sesame", secret="abracadabra", webhook_url="https://a/tok")
CLIENT, LINE = "+442079460201", "+442079460900"
ZERO = datetime(2026, 5, 4, 9, 15, 7)
# Hours late and in any order: who is told exact times does not care.
LATE = datetime(2026, 5, 4, 15, 0, 0)


@pytest.fixture
def toy():
    yield dialect.register(Toy())
    dialect.unregister("toy")


def at(seconds):
    return ZERO + timedelta(seconds=seconds)


def notice(tag, seconds, call="7/2026", **told):
    told = {"id": f"n{tag}{seconds}", "call": call, **told}
    told["at"] = at(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")
    told = {name.rstrip("_"): value for name, value in told.items()}
    attributes = " ".join(f"{n}={quoteattr(v)}" for n, v in told.items())
    return f"<{tag} {attributes}/>".encode()


def post(body, secret=ACCOUNT.secret, **headers):
    headers = {"content-type": XML, SEAL: seal(body, secret), **headers}
    return Request("POST", headers, {}, body)


def told(*notices):
    """Return the call that notices tell, received late and last one first."""
    dialect_, events = dialect.get("toy"), []
    for i, body in enumerate(reversed(notices)):
        delivery = dialect_.check(post(body), ACCOUNT)
        events += dialect_.read(delivery, LATE + timedelta(seconds=i), ACCOUNT)
    facts = CallFacts(events)
    assert CallFacts.from_json(facts.to_json()) == facts
    assert derive(CallFacts(reversed(events))) == derive(facts)
    return derive(facts)


def essence(call):
    legs = {
        leg.extension: (leg.start, leg.answer, leg.outcome or None) for leg in call.legs
    }
    parties = (call.direction, call.number, call.line, call.extension)
    times = (call.start, call.answer, call.stop, call.wait, call.talk)
    return (call.ref, call.state, call.outcome), parties, times, legs


INBOUND = {"way": "in", "from_": CLIENT, "to": LINE}
OUTBOUND = {"way": "out", "from_": LINE, "to": CLIENT, "desk": "100"}


class TestTheOtherPbx:
    """The neutral rooms serve it without a change."""

    def test_answered(self, toy):
        call = told(
            notice("offer", 0, **INBOUND),
            notice("ring", 2, **INBOUND, desk="100"),
            notice("ring", 2, id="n9", **INBOUND, desk="101"),
            notice("lift", 10, **INBOUND, desk="101"),
            notice("over", 75, **INBOUND, desk="101", talk="65", how="talk"),
            notice("tape", 80, tape="t-1"),
        )
        assert essence(call) == (
            ("7/2026", "done", "answered"),
            ("inbound", CLIENT, LINE, "101"),
            (at(0), at(10), at(75), 10, 65),
            {"100": (at(2), None, None), "101": (at(2), at(10), "answered")},
        )
        assert call.recordings == ("t-1",)

    def test_missed(self, toy):
        call = told(
            notice("offer", 0, **INBOUND),
            notice("ring", 2, **INBOUND, desk="100"),
            notice("over", 20, **INBOUND, talk="0", how="left"),
        )
        assert essence(call) == (
            ("7/2026", "done", "missed"),
            ("inbound", CLIENT, LINE, ""),
            (at(0), None, at(20), 20, 0),
            {"100": (at(2), None, None)},
        )

    @pytest.mark.parametrize(
        "how, outcome",
        [("engaged", "busy"), ("silence", "no_answer"), ("left", "cancelled"),
         ("melted", "failed")],
    )  # fmt: skip
    def test_outbound_and_not_reached(self, toy, how, outcome):
        call = told(
            notice("dial", 0, **OUTBOUND), notice("over", 9, **OUTBOUND, how=how)
        )
        assert essence(call) == (
            ("7/2026", "done", outcome),
            ("outbound", CLIENT, LINE, "100"),
            (at(0), None, at(9), 9, 0),
            {"100": (at(0), None, None)},
        )

    def test_outbound(self, toy):
        call = told(
            notice("dial", 0, **OUTBOUND),
            notice("lift", 8, **OUTBOUND),
            notice("over", 70, **OUTBOUND, talk="62", how="talk"),
        )
        assert essence(call) == (
            ("7/2026", "done", "answered"),
            ("outbound", CLIENT, LINE, "100"),
            (at(0), at(8), at(70), 8, 62),
            {"100": (at(0), at(8), "answered")},
        )

    def test_between_extensions(self, toy):
        inside = {"way": "out", "from_": "100", "to": "101", "desk": "100"}
        call = told(
            notice("dial", 0, **inside), notice("over", 9, **inside, how="silence")
        )
        assert (call.direction, call.number, call.extension, call.outcome) == (
            "internal",
            "101",
            "100",
            "no_answer",
        )

    def test_a_call_that_is_not_over(self, toy):
        assert told(notice("ring", 2, **INBOUND, desk="100")).state == "ringing"
        assert told(notice("lift", 2, **INBOUND, desk="100")).state == "ongoing"

    def test_a_notice_about_no_call_or_of_an_unknown_kind_is_kept(self, toy):
        for body in (notice("hello", 0), notice("offer", 0, call="in_" + "5a" * 20)):
            delivery = toy.check(post(body), ACCOUNT)
            assert delivery.payload["id"] and delivery.digest
            assert toy.read(delivery, LATE, ACCOUNT) == []

    def test_its_reply_is_its_own(self, toy):
        delivery = toy.check(post(notice("offer", 0, **INBOUND)), ACCOUNT)
        assert delivery.asks_routing
        assert (
            toy.reply(delivery, Decision(redirect="100")).body == '<ring desk="100"/>'
        )

    def test_it_may_know_the_call_it_dials(self, toy):
        assert toy.dial(ACCOUNT, "100", CLIENT) == "8/2026"

    @pytest.mark.parametrize(
        "request_, status",
        [
            (post(notice("offer", 0), secret="wrong"), 403),
            (post(notice("offer", 0), **{SEAL: ""}), 403),
            (post(notice("offer", 0) + b" ", **{SEAL: seal(b"x", "x")}), 403),
            (post(notice("offer", 0), **{"content-type": "text/xml"}), 415),
            (post(b"<offer"), 400),
            (post(b"<!DOCTYPE x []><offer id='1'/>"), 400),
            (post(b"<offer/>"), 400),
            (post(b" " * 70_000), 413),
        ],
    )
    def test_what_it_refuses(self, toy, request_, status):
        with pytest.raises(Refused) as caught:
            toy.check(request_, ACCOUNT)
        assert caught.value.status == status

    def test_neither_takes_the_other_s_webhooks(self, toy):
        zadarma = dialect.get("zadarma")
        for taker, request in (
            (zadarma, post(notice("offer", 0))),
            (toy, zadarma.sample(ACCOUNT)),
        ):
            with pytest.raises(Refused) as caught:
                taker.check(request, ACCOUNT)
            assert caught.value.status == 415


class TestRegister:
    def test_zadarma_comes_by_itself(self):
        assert dialect.get("zadarma").label == "Zadarma"
        assert "zadarma" in [d.code for d in dialect.available()]

    def test_another_one_is_there_as_soon_as_it_is_registered(self, toy):
        assert dialect.get("toy") is toy
        codes = [d.code for d in dialect.available()]
        assert codes == ["zadarma", "toy"]

    def test_and_gone_when_it_is_not(self):
        assert dialect.get("toy") is None
        assert "toy" not in [d.code for d in dialect.available()]
        dialect.unregister("toy")

    @pytest.mark.parametrize("code", ["", None, "ZADARMA", "call", "../zadarma"])
    def test_an_unknown_code_is_none(self, code):
        assert dialect.get(code) is None


@pytest.fixture(params=["toy", "zadarma"])
def any_dialect(request, toy):
    return dialect.get(request.param)


class TestInterface:
    def test_it_says_what_it_is_and_can(self, any_dialect):
        assert any_dialect.code and any_dialect.label
        assert isinstance(any_dialect.can_answer_routing, bool)
        assert isinstance(any_dialect.has_balance, bool)
        assert all(isinstance(name, str) for name in any_dialect.notifications)
        assert set(any_dialect.form) <= set(dialect.OPTIONAL_FIELDS)
        assert all(isinstance(one, FormField) for one in any_dialect.form.values())
        assert isinstance(any_dialect.proof, Proof)
        # Steps in the one order, and nothing is declared that is not used.
        steps = [s for s in dialect.CONNECT_STEPS if s in any_dialect.connect_steps]
        assert list(any_dialect.connect_steps) == steps
        assert set(any_dialect.essential_notifications) <= set(
            any_dialect.notifications
        )
        assert any_dialect.extension_identity in ("number", "login")
        assert set(any_dialect.limits) == {GENERAL, STATISTICS}

    @given(body=st.binary(max_size=200), kind=st.text(max_size=40))
    def test_no_request_makes_it_fail(self, body, kind):
        request = Request("POST", {"content-type": kind}, {}, body)
        for any_dialect in (Toy(), dialect.get("zadarma")):
            with pytest.raises(Refused) as caught:
                any_dialect.check(request, ACCOUNT)
            assert caught.value.status in (400, 403, 413, 415)

    def test_an_account_without_a_secret_takes_nothing(self, any_dialect):
        for request in (post(notice("offer", 0), secret=""), _sample(any_dialect)):
            with pytest.raises(Refused):
                any_dialect.check(request, Account())

    @pytest.mark.parametrize(
        "method, arguments",
        [
            ("sample", ()),
            ("connect", ()),
            ("switch_notifications", ({"start": True},)),
            ("fetch_setup", ()),
            ("fetch_balance", ()),
            ("fetch_offset", ()),
            ("fetch_extension", ("100",)),
            ("fetch_online", ("100",)),
            ("dial", ("100", CLIENT)),
            ("fetch_history", (ZERO, LATE)),
            ("fetch_recording", ("7/2026", "t-1")),
            ("fetch_extensions", ()),
            ("fetch_lines", ()),
        ],
    )
    def test_what_is_not_offered_says_so(self, method, arguments):
        class Bare(Dialect):
            label = "Bare PBX"

        with pytest.raises(NotOffered, match=r"^Bare PBX .+\.$"):
            getattr(Bare(), method)(ACCOUNT, *arguments)

    def test_what_may_be_called_at_any_time_does_nothing(self):
        assert Dialect().keep_alive(ACCOUNT) is None
        assert Dialect().disconnect(ACCOUNT) is None

    def test_an_address_is_verified_only_by_who_does_that(self):
        with pytest.raises(Refused) as caught:
            Toy().handshake(Request("GET", {}, {"zd_echo": "x"}), ACCOUNT)
        assert caught.value.status == 404

    def test_no_secret_is_shown(self):
        shown = repr(ACCOUNT) + str(ACCOUNT)
        for secret in (ACCOUNT.key, ACCOUNT.secret, "tok"):
            assert secret not in shown

    def test_equal_deliveries_have_equal_digests(self):
        one = Delivery("a", "1", {"x": "1", "y": "2"})
        other = Delivery("a", "1", {"y": "2", "x": "1"})
        assert one.digest == other.digest
        assert len({one.digest, Delivery("b", "1", one.payload).digest}) == 2
        assert len({one.digest, Delivery("a", "2", one.payload).digest}) == 2


def _sample(any_dialect):
    try:
        return any_dialect.sample(ACCOUNT)
    except NotOffered:
        return post(notice("offer", 0))
