"""What Zadarma is answered: routing, the address check; and our own test event."""

import json

import pytest

from telephony import dialect
from telephony.dialect import Account, Ask, Decision, Delivery, Refused, Request

ACCOUNT = Account(secret="5fa0200ffca68e1517d4")
ZADARMA = dialect.get("zadarma")


class TestReplies:
    def reply(self, decision, event="NOTIFY_START"):
        asks = event in ("NOTIFY_START", "NOTIFY_IVR")
        delivery = Delivery(event, "in_1", {}, asks_routing=asks)
        reply = ZADARMA.reply(delivery, decision)
        assert reply.status == 200 and reply.content_type == "application/json"
        return json.loads(reply.body)

    @pytest.mark.parametrize(
        "decision, body",
        [
            (None, {}),
            (Decision(), {}),
            (Decision(caller_name="Olga Petrova"), {"caller_name": "Olga Petrova"}),
            (Decision(caller_name=" Ольга\r\n\tП. "), {"caller_name": "Ольга П."}),
            (Decision(caller_name="  "), {}),
            (
                Decision(caller_name="Olga", redirect="100", return_timeout=20),
                {"caller_name": "Olga", "redirect": "100", "return_timeout": 20},
            ),
            (
                Decision(redirect="blacklist"),
                {"redirect": "blacklist", "return_timeout": 0},
            ),
            # Zero does not return; anything else is three seconds at least (sheet 6).
            (
                Decision(redirect="100", return_timeout=1),
                {"redirect": "100", "return_timeout": 3},
            ),
            # A timeout without a target means nothing.
            (Decision(return_timeout=20), {}),
        ],
    )
    def test_a_decision(self, decision, body):
        assert self.reply(decision) == self.reply(decision, "NOTIFY_IVR") == body

    # Byte for byte, as the table of replies has them.
    @pytest.mark.parametrize(
        "decision, body",
        [
            (Decision(), "{}"),
            (Decision("Olga"), '{"caller_name": "Olga"}'),
            (
                Decision("Ольга", "101", 20),
                '{"redirect": "101", "return_timeout": 20, "caller_name": "Ольга"}',
            ),
            (
                Decision(redirect="101", return_timeout=0),
                '{"redirect": "101", "return_timeout": 0}',
            ),
            (
                Decision("Olga", "0-1", 2),
                '{"redirect": "0-1", "return_timeout": 3, "caller_name": "Olga"}',
            ),
            (
                Decision("Olga", "0-main", -1),
                '{"redirect": "0-main", "return_timeout": 0, "caller_name": "Olga"}',
            ),
            (
                Decision("Olga", refuse=True),
                '{"redirect": "blacklist", "return_timeout": 0}',
            ),
            (Decision("Olga", hangup=True), '{"hangup": 1}'),
            (
                Decision(
                    "Olga",
                    play="0123456789abcdef",
                    ask=Ask("r12", 1, 1, 1, "hangup"),
                ),
                '{"ivr_play": "0123456789abcdef", "wait_dtmf": {"timeout": 1, '
                '"attempts": 1, "maxdigits": 1, "name": "r12", "default": "hangup"}}',
            ),
            (
                Decision(
                    play="0123456789abcdef",
                    ask=Ask("m7", timeout=5, attempts=2, digits=3, default="0-1"),
                ),
                '{"ivr_play": "0123456789abcdef", "wait_dtmf": {"timeout": 5, '
                '"attempts": 2, "maxdigits": 3, "name": "m7", "default": "0-1"}}',
            ),
        ],
    )
    def test_each_reply_to_the_letter(self, decision, body):
        for event in ("NOTIFY_START", "NOTIFY_IVR"):
            delivery = Delivery(event, "in_1", {}, asks_routing=True)
            assert ZADARMA.reply(delivery, decision).body == body

    def test_all_that_may_be_decided_can_be_said(self):
        assert ZADARMA.decisions == set(dialect.DECISIONS)
        assert ZADARMA.can_answer_routing

    @pytest.mark.parametrize("text", ["0-1", "0-main", "1", "12-34", "100"])
    def test_a_target_of_the_pbx(self, text):
        assert ZADARMA.is_target(text)
        assert ZADARMA.is_target(ZADARMA.target_example)

    @pytest.mark.parametrize(
        "text",
        ["", None, "main", "0-", "-1", "0-1-2", "0 - 1", "blacklist", "hangup",
         "+442079460201", "0-Main", "0-1\n", "x", "٣"],
    )  # fmt: skip
    def test_what_is_no_target(self, text):
        assert not ZADARMA.is_target(text)

    def test_a_name_fits_a_display(self):
        assert len(self.reply(Decision(caller_name="x" * 999))["caller_name"]) < 100

    def test_what_asks_nothing_is_told_nothing(self):
        assert self.reply(Decision(caller_name="Olga"), "NOTIFY_END") == {}


class TestHandshake:
    def shake(self, **query):
        return ZADARMA.handshake(Request("GET", {}, query), Account())

    @pytest.mark.parametrize("text", ["x", "a.B_9-", "0" * 128])
    def test_the_very_text_comes_back_as_plain_text(self, text):
        reply = self.shake(zd_echo=text)
        assert (reply.status, reply.body) == (200, text)
        assert reply.content_type.partition(";")[0] == "text/plain"

    @pytest.mark.parametrize(
        "text",
        [None, "", "<b>", "a b", "a\n", "0" * 129, "é", "٣", "a%20b", "a/b", "a&b"],
    )
    def test_nothing_that_could_be_markup_is_reflected(self, text):
        with pytest.raises(Refused) as caught:
            self.shake(zd_echo=text) if text is not None else self.shake()
        assert caught.value.status == 400
        assert not text or text not in caught.value.reason


class TestSample:
    def test_it_is_proven_and_about_no_call(self):
        delivery = ZADARMA.check(ZADARMA.sample(ACCOUNT), ACCOUNT)
        assert delivery.ref == "" and not delivery.asks_routing
        assert ZADARMA.read(delivery, None, ACCOUNT) == []

    def test_another_secret_does_not_take_it(self):
        with pytest.raises(Refused) as caught:
            ZADARMA.check(ZADARMA.sample(Account(secret="other")), ACCOUNT)
        assert caught.value.status == 403

    def test_two_are_two(self):
        one, other = (
            ZADARMA.check(ZADARMA.sample(ACCOUNT), ACCOUNT).digest for _ in range(2)
        )
        assert one != other
