"""The register of PBX dialects, their interface, and a PBX unlike Zadarma in all."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_dialect import XML, Toy, notice

from telephony import dialect, errors
from telephony.call import derive
from telephony.dialect import (
    GENERAL,
    STATISTICS,
    Account,
    Delivery,
    Dialect,
    FormField,
    NotOffered,
    Proof,
    RecordingFile,
    Refused,
    Remembered,
    Request,
    Wire,
)
from telephony.event import LOGGED
from telephony.facts import CallFacts

ACCOUNT = Account(
    key="open sesame",
    secret="abracadabra",
    login="office",
    webhook_url="https://a/tok",
    memory={"subscription": "sub-7", "before": "sub-6"},
)
CLIENT, LINE = "+442079460201", "+442079460900"
ZERO = datetime(2026, 5, 4, 9, 15, 7)
# Hours late and in any order: exact times do not depend on it.
LATE = datetime(2026, 5, 4, 15, 0, 0)
IN = {"call": "7/2026", "way": "in", "from_": CLIENT, "to": LINE}
OUT = {"call": "8/2026", "way": "out", "from_": LINE, "to": CLIENT, "desk": "anna"}
INSIDE = {"call": "9/2026", "way": "inside", "from_": "anna", "to": "front.desk"}


@pytest.fixture
def toy():
    yield dialect.register(Toy())
    dialect.unregister("toy")


def at(seconds):
    return ZERO + timedelta(seconds=seconds)


def tell(tag, seconds, subscription="sub-7", **attributes):
    return notice(tag, at(seconds), subscription, **attributes)


def post(body, kind=XML):
    return Request("POST", {"content-type": kind}, {}, body)


def read(toy, notices):
    """Return the events of notices, received late and the last one first."""
    events = []
    for i, body in enumerate(reversed(notices)):
        delivery = toy.check(post(body), ACCOUNT)
        events += toy.read(delivery, LATE + timedelta(seconds=i), ACCOUNT)
    return events


def call_of(toy, *notices):
    """Return the call that notices amount to, in whatever order they come."""
    events = read(toy, notices)
    facts = CallFacts(events)
    assert CallFacts.from_json(facts.to_json()) == facts
    call = derive(facts, toy.history_outranks_events)
    for order in permutations(events):
        assert derive(CallFacts(order), toy.history_outranks_events) == call
    return call


def essence(call):
    legs = {
        leg.extension: (leg.start, leg.answer, leg.stop, leg.outcome)
        for leg in call.legs
    }
    parties = (call.direction, call.number, call.line, call.extension)
    times = (call.start, call.answer, call.stop, call.wait, call.talk)
    return (call.ref, call.state, call.outcome), parties, times, legs


class TestTheOtherPbx:
    """The neutral rooms serve it without a change."""

    def test_answered(self, toy):
        call = call_of(
            toy,
            tell("ring", 0, **IN, desk="anna"),
            tell("ring", 2, **IN, desk="front.desk"),
            tell("lift", 10, **IN, desk="front.desk"),
            tell("gone", 10, **IN, desk="anna", how="left"),
            tell("gone", 75, **IN, desk="front.desk", how="talk"),
            tell("tape", 80, call="7/2026", tape="t-1"),
        )
        assert essence(call) == (
            ("7/2026", "done", "answered"),
            ("inbound", CLIENT, LINE, "front.desk"),
            (at(0), at(10), at(75), 10, 65),
            {
                "anna": (at(0), None, at(10), "missed"),
                "front.desk": (at(2), at(10), at(75), "answered"),
            },
        )
        assert call.recordings == ("t-1",)

    def test_missed(self, toy):
        call = call_of(
            toy,
            tell("ring", 0, **IN, desk="anna"),
            tell("ring", 0, **IN, desk="ben"),
            tell("gone", 18, **IN, desk="ben", how="engaged"),
            tell("gone", 20, **IN, desk="anna", how="left"),
        )
        assert essence(call) == (
            ("7/2026", "done", "missed"),
            ("inbound", CLIENT, LINE, ""),
            (at(0), None, at(20), 20, 0),
            {
                "anna": (at(0), None, at(20), "missed"),
                "ben": (at(0), None, at(18), "busy"),
            },
        )

    def test_one_leg_is_over_and_the_call_is_not(self, toy):
        ringing = (
            tell("ring", 0, **IN, desk="anna"),
            tell("gone", 18, **IN, desk="anna", how="silence"),
        )
        assert call_of(toy, *ringing).outcome == "missed"
        again = (*ringing, tell("ring", 23, **IN, desk="front.desk"))
        assert call_of(toy, *again).state == "ringing"
        lifted = (*again, tell("lift", 30, **IN, desk="front.desk"))
        assert call_of(toy, *lifted).state == "ongoing"
        call = call_of(
            toy, *lifted, tell("gone", 60, **IN, desk="front.desk", how="talk")
        )
        assert (call.state, call.outcome, call.talk) == ("done", "answered", 30)
        assert call.extension == "front.desk"

    @pytest.mark.parametrize(
        "how, outcome",
        [("engaged", "busy"), ("silence", "no_answer"), ("left", "cancelled"),
         ("melted", "failed"), ("evaporated", "failed")],
    )  # fmt: skip
    def test_outbound_and_not_reached(self, toy, how, outcome):
        call = call_of(toy, tell("dial", 0, **OUT), tell("gone", 9, **OUT, how=how))
        assert essence(call)[:3] == (
            ("8/2026", "done", outcome),
            ("outbound", CLIENT, LINE, "anna"),
            (at(0), None, at(9), 9, 0),
        )

    def test_outbound(self, toy):
        call = call_of(
            toy,
            tell("dial", 0, **OUT),
            tell("lift", 8, **OUT),
            tell("gone", 70, **OUT, how="talk"),
        )
        assert essence(call) == (
            ("8/2026", "done", "answered"),
            ("outbound", CLIENT, LINE, "anna"),
            (at(0), at(8), at(70), 8, 62),
            {"anna": (at(0), at(8), at(70), "answered")},
        )

    def test_between_extensions(self, toy):
        call = call_of(
            toy,
            tell("dial", 0, **INSIDE, desk="anna"),
            tell("ring", 1, **INSIDE, desk="front.desk"),
            tell("lift", 6, **INSIDE, desk="front.desk"),
            tell("gone", 30, **INSIDE, desk="front.desk", how="talk"),
            tell("gone", 31, **INSIDE, desk="anna", how="talk"),
        )
        assert essence(call) == (
            ("9/2026", "done", "answered"),
            ("internal", "front.desk", "", "anna"),
            (at(0), at(6), at(31), 6, 24),
            {
                "anna": (at(0), None, at(31), "answered"),
                "front.desk": (at(1), at(6), at(30), "answered"),
            },
        )

    def test_history_fills_what_is_missing_and_changes_nothing_else(self, toy):
        row = {"desk": "anna", "way": "out", "from": LINE, "to": CLIENT,
               "start": at(0), "talk": 999, "how": "silence"}  # fmt: skip
        toy.server.history.append(row)
        page = toy.fetch_history(ACCOUNT, at(-60), at(60))
        assert (page.rows, page.next, page.until) == (1, None, at(60))
        [logged] = page.events
        assert (logged.kind, logged.ref) == (LOGGED, "")
        logged = replace(logged, ref="8/2026")
        events = read(
            toy,
            [
                tell("dial", 0, **OUT),
                tell("lift", 8, **OUT),
                tell("gone", 70, **OUT, how="talk"),
            ],
        )
        call = derive(CallFacts([*events, logged]), history_outranks=False)
        assert call == derive(CallFacts(events), history_outranks=False)
        assert derive(CallFacts([*events, logged])).outcome == "no_answer"
        # The release never came: now the row tells how the call went.
        known = [e for e in events if e.kind != "released"]
        call = derive(CallFacts([*known, replace(logged, disposition="answered")]),
                      history_outranks=False)  # fmt: skip
        assert (call.state, call.outcome, call.talk) == ("done", "answered", 999)

    def test_history_comes_in_pages(self, toy):
        toy.server.history += [
            {"desk": "ben", "way": "in", "from": CLIENT, "to": LINE,
             "start": at(seconds), "talk": 0, "how": "left"}
            for seconds in (30, 0, 60)
        ]  # fmt: skip
        page, starts = None, []
        while page is None or page.next is not None:
            page = toy.fetch_history(ACCOUNT, at(0), at(90), page and page.next)
            starts += [e.started[0] for e in page.events]
        assert starts == [at(0), at(30), at(60)]

    def test_a_notice_about_no_call_or_of_an_unknown_kind_is_kept(self, toy):
        for body in (tell("hello", 0), tell("ring", 0, call="in_" + "5a" * 20)):
            delivery = toy.check(post(body), ACCOUNT)
            assert delivery.payload["id"] and delivery.digest
            assert toy.read(delivery, LATE, ACCOUNT) == []

    def test_the_proof_is_not_kept(self, toy):
        delivery = toy.check(post(tell("ring", 0, **IN)), ACCOUNT)
        assert "sub-7" not in str(delivery)

    @pytest.mark.parametrize(
        "request_, status",
        [
            (post(tell("ring", 0, subscription="sub-8")), 403),
            (post(tell("ring", 0, subscription="")), 403),
            (post(b"<ring id='1'/>"), 403),
            (post(tell("ring", 0), kind="text/xml"), 415),
            (post(b"<ring"), 400),
            (post(b"<!DOCTYPE x []><ring id='1'/>"), 400),
            (post(b"<ring subscription='sub-7'/>"), 400),
            (post(b" " * 70_000), 413),
        ],
    )
    def test_what_it_refuses(self, toy, request_, status):
        with pytest.raises(Refused) as caught:
            toy.check(request_, ACCOUNT)
        assert caught.value.status == status

    def test_the_subscription_before_is_still_known(self, toy):
        body = tell("ring", 0, subscription="sub-6", **IN)
        assert toy.check(post(body), ACCOUNT).ref == "7/2026"

    def test_neither_takes_the_other_s_webhooks(self, toy):
        zadarma = dialect.get("zadarma")
        for taker, request in (
            (zadarma, post(tell("ring", 0))),
            (toy, zadarma.sample(ACCOUNT)),
        ):
            with pytest.raises(Refused) as caught:
                taker.check(request, ACCOUNT)
            assert caught.value.status == 415


class TestASubscription:
    """What ends by itself is renewed, and the one before given back."""

    def test_its_life(self, toy):
        toy.server.now = lambda: ZERO
        account = replace(ACCOUNT, memory={})
        with pytest.raises(NotOffered):
            toy.sample(account)
        made = toy.connect(account)
        assert made == Remembered({"subscription": "sub-1", "before": ""}, at(86400))
        account = replace(account, memory=made.values)
        assert toy.check(toy.sample(account), account).event_type == "hello"
        renewed = toy.keep_alive(account)
        assert renewed.values == {"subscription": "sub-2", "before": "sub-1"}
        assert set(toy.server.subscriptions) == {"sub-1", "sub-2"}
        account = replace(account, memory=renewed.values)
        toy.release(account, made.values)
        assert toy.server.subscriptions == {"sub-2": "https://a/tok"}
        toy.disconnect(account)
        assert toy.server.subscriptions == {}
        assert toy.server.questions == [
            "subscribe", "subscribe", "unsubscribe", "unsubscribe",
        ]  # fmt: skip

    def test_nothing_is_there_to_give_back(self, toy):
        toy.disconnect(replace(ACCOUNT, memory={}))
        assert toy.server.questions == []


class TestItsQuestions:
    def test_people_are_named_by_login(self, toy):
        anna, ben, desk = toy.fetch_extensions(ACCOUNT)
        assert [one.login for one in (anna, ben, desk)] == ["anna", "ben", "front.desk"]
        assert anna == toy.fetch_extension(ACCOUNT, "anna")
        assert (anna.number, anna.login, anna.name) == ("201", "anna", "Anna")
        # Who has no number is called by name here, too.
        assert desk.number == "front.desk" == toy.read_extension(desk.number)
        assert toy.fetch_online(ACCOUNT, "ben") is False
        with pytest.raises(errors.NotFound):
            toy.fetch_online(ACCOUNT, "carl")

    @pytest.mark.parametrize(
        "text, extension",
        [("anna", "anna"), (" Front.Desk ", "front.desk"), ("201", "201"),
         ("+442079460201", ""), ("", ""), (None, "")],
    )  # fmt: skip
    def test_what_a_person_enters(self, toy, text, extension):
        assert toy.read_extension(text) == extension

    def test_it_knows_the_call_it_dials(self, toy):
        assert toy.dial(ACCOUNT, "anna", CLIENT) == "1/2026"
        assert toy.server.dialled == [("anna", CLIENT, "")]

    def test_a_file_needs_a_header(self, toy):
        toy.server.recordings["t-1"] = "https://toy.example/t-1"
        found = toy.fetch_recording(ACCOUNT, "7/2026", "t-1")
        assert found == RecordingFile(
            "https://toy.example/t-1", {"X-Toy-Office": "office"}
        )
        assert "toy.example" not in repr(found)
        with pytest.raises(errors.NotFound):
            toy.fetch_recording(ACCOUNT, "7/2026", "t-2")

    def test_access_is_verified_by_the_cheapest_question(self, toy):
        toy.verify_access(ACCOUNT)
        with pytest.raises(errors.WrongKey):
            toy.verify_access(replace(ACCOUNT, login="garage"))

    def test_all_goes_over_the_wire(self, toy):
        asked, told = [], []

        class Noted(Wire):
            def may_ask(self, bucket):
                asked.append(bucket)

            def was_asked(self, exchange):
                told.append((exchange.path, exchange.error))

        account = replace(ACCOUNT, wire=Noted())
        toy.fetch_extensions(account)
        toy.fetch_history(account, at(0), at(9))
        toy.server.failure = errors.Unreachable("no answer in time")
        with pytest.raises(errors.Unreachable):
            toy.keep_alive(account)
        assert asked == [GENERAL, STATISTICS, GENERAL]
        assert [path for path, _error in told] == ["people", "history", "subscribe"]
        assert told[-1][1] is toy.server.failure


class TestRegister:
    def test_zadarma_comes_by_itself(self):
        assert dialect.get("zadarma").label == "Zadarma"
        assert "zadarma" in [d.code for d in dialect.available()]

    def test_another_one_is_there_as_soon_as_it_is_registered(self, toy):
        assert dialect.get("toy") is toy
        codes = [d.code for d in dialect.available()]
        assert codes == ["zadarma", "asterisk", "beeline", "toy"]

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
        assert any_dialect.decisions <= set(dialect.DECISIONS)
        assert any_dialect.can_answer_routing is bool(any_dialect.decisions)
        assert isinstance(any_dialect.has_balance, bool)
        assert all(isinstance(name, str) for name in any_dialect.notifications)
        assert set(any_dialect.form) <= set(dialect.OPTIONAL_FIELDS)
        assert all(isinstance(one, FormField) for one in any_dialect.form.values())
        assert isinstance(any_dialect.proof, Proof)
        # Each step once, and nothing is declared that is not used.
        steps = any_dialect.connect_steps
        assert set(steps) <= set(dialect.CONNECT_STEPS)
        assert len(set(steps)) == len(steps)
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

    def test_an_account_without_its_proof_takes_nothing(self, any_dialect):
        for request in (post(tell("ring", 0, "")), any_dialect.sample(ACCOUNT)):
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
