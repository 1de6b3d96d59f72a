"""Inbound calls: what the PBX tells and what they are (protocol sheet 7, design)."""

from unittest.mock import ANY

from cases import (
    IN,
    LINE,
    REC,
    REC_2,
    Case,
    answer,
    call,
    dials,
    end,
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
    return Case(
        f"{word or 'no word'} ({extension or 'nobody'} named)",
        (*OPENING, (20, end(word, duration, extension))),
        missed(20, word, outcome=outcome, legs=RUNG),
    )


PLAIN = [
    Case("answered", (*OPENING, LIFTED, OVER), answered()),
    Case(
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
    Case("abandoned in the menu", ((1, start()), (7, end("cancel"))), missed(7)),
    Case(
        "abandoned in a menu that lifted",
        ((1, start()), (2, answer(LINE[1:], internal=None)), (9, end("answered", 7))),
        missed(9, "answered"),
    ),
    Case(
        "voicemail",
        (
            *OPENING,
            (30, answer(LINE[1:], internal="")),
            (55, end("answered", 25, **recorded())),
            (60, record()),
        ),
        missed(55, "answered", legs=RUNG, recordings=(REC,)),
    ),
    Case(
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
    Case(
        "ring group",
        (
            (1, start()),
            *GROUP,
            (10, answer("101")),
            (144, end("answered", 134, "101")),
        ),
        answered(extension="101", legs={**GROUP_RUNG, "101": (2, 10, SPOKE)}),
    ),
    Case(
        "ring group without ANSWER",
        ((1, start()), *GROUP, (144, end("answered", 134, "101"))),
        answered(extension="101", legs={**GROUP_RUNG, "101": (2, None, SPOKE)}),
    ),
    Case(
        "ring group missed",
        ((1, start()), *GROUP, (31, end("no answer"))),
        missed(31, "no answer", legs=GROUP_RUNG),
    ),
    Case(
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
    Case(
        "transfer of which only the END tells",
        ((1, start()), (144, end("answered", 134, "100", last_internal="102"))),
        answered(
            extension="102",
            legs={"100": (None, None, SPOKE), "102": (None, None, SPOKE)},
        ),
    ),
    Case(
        "transfer to somebody who does not lift",
        (*OPENING, LIFTED, (60, rings("102", transfer_from="100")), OVER),
        answered(legs={"100": (2, 10, SPOKE), "102": (60, None, "")}),
    ),
    Case(
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
    Case(
        "forwarded to a mobile, without START",
        (
            OPENING[1],
            (5, dials(**MOBILE)),
            LIFTED,
            (143, out_end("answered", 133, **MOBILE)),
            OVER,
        ),
        answered(),
    ),
]


def withheld(caller):
    webhooks = (*OPENING, LIFTED, OVER)
    return Case(
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
    Case(
        "extension to extension, as inbound",
        (
            (1, start(**FROM_INSIDE)),
            (2, rings("101") | FROM_INSIDE),
            (5, answer("101", caller_id="100")),
            (20, end("answered", 15, "101", **FROM_INSIDE)),
        ),
        call("internal", outcome=SPOKE, answer=5, wait=5, talk=15, **INSIDE),
    ),
    Case(
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
    Case(
        "extension to a group of extensions, as inbound",
        (
            (1, start(**FROM_INSIDE | {"called_did": "200"})),
            (2, rings("101") | FROM_INSIDE | {"called_did": "200"}),
            (5, answer("101", caller_id="100")),
        ),
        call(
            "internal",
            state="ongoing",
            answer=5,
            wait=5,
            **{**INSIDE, "number": "200", "stop": None, "disposition": ""},
        )
        | {"legs": {"100": ANY, "101": ANY}},
    ),
]

CASES = [
    *PLAIN,
    *GROUPS,
    *WITHHELD,
    *EXTENSIONS,
]
