"""Inbound calls: what the PBX tells and what they are (protocol sheet 7, design)."""

from unittest.mock import ANY

from stories import (
    IN,
    LINE,
    REC,
    REC_2,
    Story,
    answer,
    call,
    dials,
    end,
    given_up,
    ivr,
    out_end,
    record,
    recorded,
    rings,
    start,
)

SPOKE = "answered"
# START, rung after 2 s, lifted after 10, over after 144: 134 s of talk.
OPENING = ((1, start()), (2, rings("100")))
LIFTED = (10, answer("100"))
OVER = (144, end("answered", 134, "100", last_internal="100"))
UNNAMED = (144, end("answered", 134))


def answered(**changed):
    usual = {
        "outcome": SPOKE,
        "disposition": "answered",
        "extension": "100",
        "answer": 10,
        "stop": 144,
        "wait": 10,
        "talk": 134,
        "legs": {"100": (2, 10, SPOKE)},
    }
    return call("inbound", **{**usual, **changed})


def missed(stop, word="cancel", **changed):
    usual = {"outcome": "missed", "disposition": word, "stop": stop, "wait": stop}
    return call("inbound", **{**usual, **changed})


RUNG = {"100": (2, None, "")}
GROUP = tuple((2, rings(extension)) for extension in ("100", "101", "102"))
GROUP_RUNG = {extension: (2, None, "") for extension in ("100", "101", "102")}


def ended(word, outcome, duration=0, extension=None):
    """A call that rang and ended with ``word``."""
    return Story(
        f"{word or 'no word'} ({extension or 'nobody'} named)",
        (*OPENING, (20, end(word, duration, extension))),
        missed(20, word, outcome=outcome, legs=RUNG),
    )


PLAIN = [
    Story("answered", (*OPENING, LIFTED, OVER), answered()),
    Story(
        "ivr", ((1, start()), (2, ivr()), (2, rings("100")), LIFTED, OVER), answered()
    ),
    ended("cancel", "missed"),
    ended("no answer", "missed"),
    ended("no answered", "missed"),
    ended("busy", "busy"),
    ended("failed", "failed"),
    ended("call failed", "failed"),
    ended("line limit", "failed"),
    ended("a word of tomorrow", "failed"),
    # No extension is missing in the END of a missed call, but some name it.
    ended("cancel", "missed", extension="100"),
    # A voicemail after the ringing: END names nobody, so all missed it.
    ended("answered", "missed", duration=9),
    Story("abandoned in the menu", ((1, start()), (7, end("cancel"))), missed(7)),
    Story(
        "abandoned in a menu that lifted",
        ((1, start()), (2, answer(LINE[1:], internal=None)), (9, end("answered", 7))),
        missed(9, "answered"),
    ),
    Story(
        "voicemail",
        (
            *OPENING,
            (30, answer(LINE[1:], internal="")),
            (55, end("answered", 25, **recorded())),
            (60, record()),
        ),
        missed(55, "answered", legs=RUNG, recordings=(REC,)),
    ),
    Story(
        "a menu lifts, then a person",
        (
            (1, start()),
            (2, answer(LINE[1:], internal=None)),
            *OPENING[1:],
            LIFTED,
            OVER,
        ),
        answered(),
    ),
]

MOBILE = {"pbx_call_id": IN, "destination": "+447700900123"}
GROUPS = [
    Story(
        "ring group",
        (
            (1, start()),
            *GROUP,
            (10, answer("101")),
            (144, end("answered", 134, "101")),
        ),
        answered(extension="101", legs={**GROUP_RUNG, "101": (2, 10, SPOKE)}),
    ),
    Story(
        "ring group without ANSWER",
        ((1, start()), *GROUP, (144, end("answered", 134, "101"))),
        answered(extension="101", legs={**GROUP_RUNG, "101": (2, None, SPOKE)}),
    ),
    Story(
        "ring group missed",
        ((1, start()), *GROUP, (31, end("no answer"))),
        missed(31, "no answer", legs=GROUP_RUNG),
    ),
    Story(
        "transfer",
        (
            *OPENING,
            LIFTED,
            (60, rings("102", transfer_from="100", transfer_type="blind")),
            (65, answer("102")),
            (144, end("answered", 134, "100", last_internal="102", **recorded(REC_2))),
            (150, record(REC)),
            (150, record(REC_2)),
        ),
        answered(
            extension="102",
            legs={"100": (2, 10, SPOKE), "102": (60, 65, SPOKE)},
            recordings=(REC, REC_2),
        ),
    ),
    Story(
        "transfer of which only the END tells",
        ((1, start()), (144, end("answered", 134, "100", last_internal="102"))),
        answered(
            extension="102",
            legs={"100": (None, None, SPOKE), "102": (None, None, SPOKE)},
        ),
    ),
    Story(
        "transfer to somebody who does not lift",
        (*OPENING, LIFTED, (60, rings("102", transfer_from="100")), OVER),
        answered(legs={"100": (2, 10, SPOKE), "102": (60, None, "")}),
    ),
    Story(
        "forwarded to a mobile",
        (
            *OPENING,
            (5, dials(pbx_call_id=IN, destination="+447700900123")),
            LIFTED,
            (
                143,
                out_end("answered", 133, pbx_call_id=IN, destination="+447700900123"),
            ),
            OVER,
        ),
        answered(),
    ),
]

PARTS_MISSING = [
    Story(
        "without ANSWER",
        (*OPENING, OVER),
        # The call's answer is reckoned from its end; nobody told the leg's.
        answered(legs={"100": (2, None, SPOKE)}),
    ),
    Story("without START", (*OPENING[1:], LIFTED, OVER), answered()),
    Story(
        "without INTERNAL",
        (OPENING[0], LIFTED, OVER),
        answered(legs={"100": (None, 10, SPOKE)}),
    ),
    Story("END alone", (OVER,), answered(legs={"100": (None, None, SPOKE)})),
    Story(
        "END alone, missed",
        ((20, end("cancel")),),
        missed(20),
    ),
    Story(
        "END names nobody, ANSWER does",
        (*OPENING, LIFTED, UNNAMED),
        answered(),
    ),
    Story(
        "ANSWER names the extension in the destination alone",
        (
            OPENING[0],
            (10, answer("123456-100", internal="")),
            (144, end("answered", 134)),
        ),
        answered(legs={"100": (None, 10, SPOKE)}),
    ),
    Story(
        "full logins everywhere",
        (
            (1, start()),
            (2, rings("123456-100")),
            (10, answer("123456-100")),
            (144, end("answered", 134, "123456-100", last_internal="123456-100")),
        ),
        answered(),
    ),
    Story(
        "ids that do not tell the direction",
        tuple(
            (seconds, {**fields, "pbx_call_id": "5a1c"})
            for seconds, fields in (*OPENING, LIFTED, OVER)
        ),
        answered(),
    ),
]

ONLY_ANSWER = call(
    "inbound",
    extension="100",
    line="",
    state="ongoing",
    answer=10,
    wait=10,
    legs={"100": (None, 10, "")},
)
OPEN = [
    Story(
        "ringing",
        OPENING,
        call("inbound", state="ringing", legs=RUNG),
    ),
    Story(
        "ongoing",
        (*OPENING, LIFTED),
        call(
            "inbound",
            state="ongoing",
            extension="100",
            answer=10,
            wait=10,
            legs={"100": (2, 10, "")},
        ),
    ),
    Story(
        "ringing behind a menu",
        ((1, start()), (2, answer(LINE[1:], internal="")), (5, rings("100"))),
        call("inbound", state="ringing", legs={"100": (5, None, "")}),
    ),
    Story("ANSWER only", (LIFTED,), ONLY_ANSWER),
    Story(
        "ANSWER only, of an id that does not tell the direction",
        ((10, answer("100", pbx_call_id="5a1c")),),
        ONLY_ANSWER,
    ),
    Story(
        "ANSWER only, given up",
        (LIFTED, (9999, given_up())),
        {
            **ONLY_ANSWER,
            "state": "done",
            "outcome": SPOKE,
            "legs": {"100": (None, 10, SPOKE)},
        },
    ),
    Story(
        "rang and given up",
        (*OPENING, (9999, given_up())),
        call("inbound", outcome="missed", legs=RUNG),
    ),
    Story(
        "given up too early",
        (*OPENING, LIFTED, (50, given_up()), OVER),
        answered(),
    ),
]

SEVERAL_ENDS = [
    Story(
        "the longest END wins",
        (*OPENING, LIFTED, (50, end("answered", 40, "100")), OVER),
        answered(),
    ),
    Story(
        "an answered END wins over a later one",
        (*OPENING, LIFTED, OVER, (150, end("no answer")), (151, end("cancel", 500))),
        answered(),
    ),
    Story(
        "an answered END wins over an earlier one",
        (*OPENING, (9, end("no answer")), LIFTED, OVER),
        answered(),
    ),
    Story(
        "a menu's END is longer than the person's",
        (
            *OPENING,
            LIFTED,
            (144, end("answered", 134)),
            (140, end("answered", 130, "100")),
        ),
        answered(),
    ),
    Story(
        "who answered by ANSWER has answered, whatever END says",
        (*OPENING, LIFTED, (144, end("cancel"))),
        answered(disposition="cancel", talk=0),
    ),
    Story(
        "ANSWER comes after END",
        (*OPENING, OVER, (146, answer("100"))),
        answered(legs={"100": (2, None, SPOKE)}),
    ),
    Story(
        "RECORD comes before END",
        (*OPENING, LIFTED, (140, record()), OVER),
        answered(recordings=(REC,)),
    ),
    Story(
        "RECORD comes after END",
        (*OPENING, LIFTED, OVER, (150, record())),
        answered(recordings=(REC,)),
    ),
    Story(
        "RECORD comes first of all",
        ((0, record()), *OPENING, LIFTED, OVER),
        answered(recordings=(REC,)),
    ),
]


def withheld(caller):
    webhooks = (*OPENING, LIFTED, OVER)
    return Story(
        f"withheld: {caller!r}",
        tuple((s, {**fields, "caller_id": caller}) for s, fields in webhooks),
        answered(number=""),
    )


WITHHELD = [withheld(caller) for caller in ("anonymous", "", "0", "unknown", "Скрыт")]

# Told by inbound events, though nobody outside takes part: as outbound ones count.
FROM_INSIDE = {"caller_id": "100", "called_did": "101"}
INSIDE = {
    "number": "101",
    "line": "",
    "extension": "100",
    "stop": 20,
    "disposition": "answered",
    "legs": {"100": ANY, "101": ANY},
}
EXTENSIONS = [
    Story(
        "extension to extension, as inbound",
        (
            (1, start(**FROM_INSIDE)),
            (2, rings("101") | FROM_INSIDE),
            (5, answer("101", caller_id="100")),
            (20, end("answered", 15, "101", **FROM_INSIDE)),
        ),
        call("internal", outcome=SPOKE, answer=5, wait=5, talk=15, **INSIDE),
    ),
    Story(
        "extension to extension, as inbound, not lifted",
        (
            (1, start(**FROM_INSIDE)),
            (2, rings("101") | FROM_INSIDE),
            (20, end("no answer", **FROM_INSIDE)),
        ),
        call(
            "internal",
            **{
                **INSIDE,
                "outcome": "no_answer",
                "disposition": "no answer",
                "wait": 20,
            },
        ),
    ),
]

STORIES = [
    *PLAIN,
    *GROUPS,
    *PARTS_MISSING,
    *OPEN,
    *SEVERAL_ENDS,
    *WITHHELD,
    *EXTENSIONS,
]
