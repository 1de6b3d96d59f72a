"""What somebody can make of one signed event that he has seen: three fields of it are
signed, and everything else he may choose."""

import random
from urllib.parse import urlencode

import pytest
from cases import (
    CLIENT,
    IN,
    LINE,
    OUT,
    OUT_2,
    answer,
    at,
    dials,
    end,
    ivr,
    out_end,
    picked_up,
    read_all,
    record,
    rings,
    start,
)

from telephony import dialect, errors
from telephony.admission import MAX_ENDS, MAX_OF_A_KIND, admit
from telephony.call import derive
from telephony.dialect import Account, Refused, Request
from telephony.event import EXPIRED, LOGGED, CallEvent
from telephony.facts import CallFacts
from telephony.zadarma import statistics
from telephony.zadarma.signature import sign_event

ZADARMA = dialect.get("zadarma")
ACCOUNT = Account(key="k", secret="5fa0200ffca68e1517d4")
FORM = "application/x-www-form-urlencoded"
RINGING = ((1, start()), (2, rings("100")))
LIFTED = (10, answer("100"))


def deliver(fields, signature=None):
    signature = signature or sign_event(fields["event"], fields, ACCOUNT.secret)
    headers = {"content-type": FORM, "signature": signature}
    request = Request("POST", headers, {}, urlencode(fields).encode())
    return ZADARMA.check(request, ACCOUNT)


def call(*webhooks):
    return derive(CallFacts(read_all(webhooks)))


# ---------------------------------------------------------------------- what is signed


def test_all_that_one_signature_proves_has_one_digest():
    seen = deliver(start()).proof_digest
    assert seen
    for fields in (
        {**rings("100"), "caller_id": CLIENT},
        ivr(),
        end("answered", 999, "100"),
        start(pbx_call_id="in_of_somebody_else"),
        # The fields are one text: digits may move from one to the next.
        start(caller_id=CLIENT[:-3], called_did=CLIENT[-3:] + LINE[1:]),
        # And a rule for other fields signs the same text.
        dials(internal=CLIENT, destination=LINE[1:], pbx_call_id=OUT),
    ):
        assert deliver(fields).proof_digest == seen, fields
    for fields in (
        start(call_start="2026-05-04 12:15:08"),
        start(caller_id="+442079460202"),
        answer("100"),
        record(),
    ):
        assert deliver(fields).proof_digest not in (seen, ""), fields


def test_a_text_about_no_call_does_for_none():
    """An SMS is signed as a whole; its text would do as the number of a caller."""
    sms = {"event": "SMS", "result": '{"text": "hello"}'}
    forged = {"event": "NOTIFY_START", "caller_id": sms["result"], "pbx_call_id": IN}
    signature = sign_event("SMS", sms, ACCOUNT.secret)
    assert deliver(forged, signature).proof_digest == deliver(sms).proof_digest != ""
    # What says of no call to which it belongs, or is the check's own event: nothing.
    assert deliver(start(pbx_call_id="")).proof_digest == ""
    sample = ZADARMA.check(ZADARMA.sample(ACCOUNT), ACCOUNT)
    assert sample.proof_digest == ""


def test_the_legs_of_a_click_may_be_signed_alike():
    legs = [
        deliver(dials(calltype="callback_leg1")),
        deliver(dials(calltype="callback_leg2", pbx_call_id=OUT_2)),
        deliver(dials(calltype="normal")),
    ]
    assert len({leg.proof_digest for leg in legs}) == 1
    assert [leg.signed_part for leg in legs] == ["own_leg", "client_leg", ""]


@pytest.mark.parametrize("event", ["NOTIFY_START", "NOTIFY_END", "NOTIFY_FUTURE"])
def test_what_is_not_signed_is_not_large(event):
    fields = {**start(), "event": event, "result": "x" * 1001}
    with pytest.raises(Refused) as refused:
        deliver(fields)
    assert refused.value.status == 400
    assert deliver({**fields, "result": "x" * 1000}).payload["result"]
    # As a stranger it is refused for want of a signature, whatever its size.
    with pytest.raises(Refused) as refused:
        deliver(fields, "x" * 56)
    assert refused.value.status == 403


def test_what_is_signed_may_be_large():
    for event in ("SPEECH_RECOGNITION", "SOMETHING_ELSE"):
        fields = {"event": event, "result": "x" * 100_000}
        assert deliver(fields).payload["result"] == fields["result"]


# --------------------------------------------------------- longer than it can have been


@pytest.mark.parametrize(
    "webhooks, talk",
    [
        # 134 s from the answer to the end.
        ((*RINGING, LIFTED, (144, end("answered", 999_999_999, "100"))), 134),
        ((*RINGING, LIFTED, (144, end("answered", 7200, "100"))), 134),
        # No answer was seen: not longer than since the start.
        ((*RINGING, (20, end("answered", 86_400, "100"))), 20),
        (((20, end("answered", 86_400, "100")),), 20),
        # What a clock may be off by is no forgery; nor is what can have been.
        ((*RINGING, LIFTED, (144, end("answered", 300, "100"))), 300),
        ((*RINGING, LIFTED, (4000, end("answered", 3990, "100"))), 3990),
        # Going out, too.
        (((1, dials()), (7, picked_up()), (50, out_end("answered", 99_999))), 43),
        (((1, dials()), (50, out_end("answered", 41))), 41),
        # START came late, after the end: the start that it tells counts.
        (((5000, start()), (5000, end("answered", 4000, "100"))), 4000),
    ],
)
def test_a_talk_is_not_longer_than_the_call(webhooks, talk):
    found = call(*webhooks)
    assert (found.outcome, found.talk) == ("answered", talk)


def test_an_end_that_can_be_true_is_preferred():
    genuine = (144, end("answered", 134, "100"))
    forged = (20, end("answered", 999_999_999, "101"))
    for webhooks in ((genuine, forged), (forged, genuine)):
        found = call(*RINGING, LIFTED, *webhooks)
        assert (found.talk, found.extension) == (134, "100")


def test_history_decides_and_names_what_was_reported():
    row = CallEvent(
        kind=LOGGED,
        ref=IN,
        received_at=at(9999),
        direction="inbound",
        extension="100",
        started=(at(0),),
        talk=134,
        disposition="answered",
        said="answered",
    )
    forged = read_all((*RINGING, LIFTED, (144, end("answered", 999_999_999, "100"))))
    found = derive(CallFacts([*forged, row]))
    assert found.talk == 134 and not found.in_doubt
    assert found.contradictions == (("talk", 999_999_999, 134),)


@pytest.mark.parametrize(
    "webhooks, doubt",
    [
        ((), False),
        (((144, end("answered", 134, "100")),), False),
        (((144, end("answered", 9999, "100")),), True),
        (((20, end("answered", 5, "100")), (144, end("cancel"))), True),
        # A phone rings, or is lifted, when it was said to be over already.
        (((12, end("cancel")), (60, rings("101"))), True),
        (((3, end("cancel")), (6, rings("101"))), False),
    ],
)
def test_what_is_contradicted_is_in_doubt(webhooks, doubt):
    assert call(*RINGING, LIFTED, *webhooks).in_doubt is doubt


# ------------------------------------------------------------------------------ floods


def flooded(forged):
    """Facts that grew one by one, and what was left out."""
    facts, left = CallFacts(), []
    for event in read_all(forged):
        facts, out = admit(facts, [event])
        left += out
    return facts, left


RINGS = [(3, rings(str(200 + number))) for number in range(450)]


@pytest.mark.parametrize(
    "last, outcome",
    [
        (read_all([(144, end("answered", 134, "100"))]), "answered"),
        (read_all([(144, end("cancel"))]), "answered"),
        ([CallEvent(EXPIRED, IN, at(9999))], "answered"),
        (
            [
                CallEvent(
                    kind=LOGGED,
                    ref=IN,
                    received_at=at(9999),
                    started=(at(0),),
                    talk=7,
                    extension="100",
                    disposition="answered",
                )
            ],
            "answered",
        ),
    ],
)
def test_what_ends_a_call_is_taken_however_many_facts_there_are(last, outcome):
    facts, left = flooded((*RINGING, LIFTED, *RINGS))
    assert len(left) == 451 - MAX_OF_A_KIND
    assert len(facts) <= MAX_OF_A_KIND + 2
    facts, left = admit(facts, last)
    assert not left
    found = derive(facts)
    assert (found.state, found.outcome) == ("done", outcome)


def test_a_flood_of_one_kind_leaves_room_for_the_others():
    facts, _left = flooded((*RINGS, *RINGS))
    later = (start(), answer("100"), record(), end("answered", 20, "100"))
    facts, left = admit(facts, read_all([(30, fields) for fields in later]))
    assert not left
    found = derive(facts)
    assert (found.extension, found.number, len(found.recordings)) == ("100", CLIENT, 1)


def test_many_ends_are_bounded_and_change_nothing():
    forged = [
        (20, end(word, seconds, "100"))
        for word in ("answered", "cancel", "busy")
        for seconds in range(250)
    ]
    genuine = (300, end("answered", 290, "100"))
    events = read_all((*RINGING, LIFTED, *forged, genuine))
    everything = derive(CallFacts(events))
    for seed in range(2):
        facts = CallFacts()
        for event in random.Random(seed).sample(events, len(events)):
            facts, left = admit(facts, [event])
            assert not left
        assert len(facts) <= MAX_ENDS + 3
        found = derive(facts)
        assert (found.talk, found.outcome) == (290, "answered")
        assert (found.talk, found.stop) == (everything.talk, everything.stop)


def test_repeats_are_taken_again():
    facts, _left = flooded(RINGS[:MAX_OF_A_KIND])
    again, left = admit(facts, read_all(RINGS[:5]))
    assert again == facts and not left


# ------------------------------------------------------------------- pages without end


class Listing:
    """A PBX with so many rows, which may not look at ``skip``."""

    def __init__(self, rows, ignores_skip):
        self.rows = [{"pbx_call_id": f"in_{n}", "seconds": n} for n in range(rows)]
        self.ignores_skip, self.questions, self.account = ignores_skip, 0, ACCOUNT

    def statistics(self, start, end, skip=0):
        self.questions += 1
        skip = 0 if self.ignores_skip else skip
        return self.rows[skip : skip + statistics.MAX_ROWS], None


@pytest.mark.parametrize("ignores_skip", [False, True])
def test_a_pbx_that_ignores_skip_is_not_asked_for_ever(ignores_skip):
    pbx = Listing(2500, ignores_skip)
    page, rows = None, 0
    try:
        while True:
            found = statistics.fetch(pbx, at(0), at(3600), page)
            rows += found.rows
            page = found.next
            if page is None:
                break
    except errors.SamePage:
        assert (pbx.questions, rows) == (2, statistics.MAX_ROWS)
        assert ignores_skip
    else:
        assert (pbx.questions, rows) == (3, 2500)


def test_rows_that_moved_by_a_few_are_read_on():
    pbx = Listing(1500, False)
    first = statistics.fetch(pbx, at(0), at(3600), None)
    pbx.rows = [{"pbx_call_id": f"new_{n}"} for n in range(3)] + pbx.rows
    second = statistics.fetch(pbx, at(0), at(3600), first.next)
    assert (second.rows, second.next) == (503, None)
