"""Outbound calls, click-to-call, extension to extension (protocol sheet 7, design)."""

from unittest.mock import ANY

from cases import (
    CLIENT,
    OUT,
    OUT_2,
    REC,
    Case,
    call,
    dials,
    given_up,
    out_end,
    picked_up,
    record,
    recorded,
)

SPOKE = "answered"
# Dialled after 1 s, lifted after 8, over after 70: 62 s of talk.
DIALS = (1, dials(calltype="normal"))
LIFTED = (8, picked_up())
OVER = (70, out_end("answered", 62, calltype="normal"))


def answered(**changed):
    usual = {
        "outcome": SPOKE,
        "disposition": "answered",
        "extension": "100",
        "answer": 8,
        "stop": 70,
        "wait": 8,
        "talk": 62,
        "legs": {"100": (1, 8, SPOKE)},
    }
    return call("outbound", **{**usual, **changed})


def not_reached(word, outcome, stop=30, **changed):
    usual = {
        "outcome": outcome,
        "disposition": word,
        "extension": "100",
        "stop": stop,
        "wait": stop,
        "legs": {"100": (1, None, "")},
    }
    return call("outbound", **{**usual, **changed})


def ended(word, outcome):
    return Case(
        f"out: {word or 'no word'}",
        (DIALS, (30, out_end(word))),
        not_reached(word, outcome),
    )


PLAIN = [
    Case("outbound", (DIALS, LIFTED, OVER), answered()),
    Case(
        "outbound without ANSWER",
        (DIALS, OVER),
        answered(legs={"100": (1, None, SPOKE)}),
    ),
    Case(
        "outbound without OUT_START",
        (LIFTED, OVER),
        answered(legs={"100": (None, 8, SPOKE)}),
    ),
    Case("OUT_END alone", (OVER,), answered(legs={"100": (None, None, SPOKE)})),
    Case(
        "outbound, ANSWER names no extension",
        (DIALS, (8, picked_up(internal=None)), OVER),
        answered(legs={"100": (1, None, SPOKE)}),
    ),
    Case(
        "outbound, no caller id is set",
        (
            (1, dials(caller_id="0")),
            (8, picked_up(caller_id="0")),
            (70, out_end("answered", 62, caller_id="0")),
        ),
        answered(line=""),
    ),
    Case(
        "outbound, no caller id is told",
        (
            (1, dials(caller_id=None)),
            (70, out_end("answered", 62, caller_id=None)),
        ),
        answered(line="", legs={"100": (1, None, SPOKE)}),
    ),
    Case(
        "outbound, full login and no plus",
        (
            (1, dials(internal="123456-100", destination=CLIENT[1:])),
            (70, out_end("answered", 62, internal="123456-100")),
        ),
        answered(legs={"100": (1, None, SPOKE)}),
    ),
    Case(
        "outbound, ids that do not tell the direction",
        tuple((s, {**f, "pbx_call_id": "5a1c"}) for s, f in (DIALS, LIFTED, OVER)),
        answered(),
    ),
    ended("busy", "busy"),
    ended("cancel", "cancelled"),
    ended("no answer", "no_answer"),
    ended("no answered", "no_answer"),
    ended("failed", "failed"),
    ended("call failed", "failed"),
    ended("no money", "failed"),
    ended("unallocated number", "failed"),
    ended("no limit", "failed"),
    ended("no day limit", "failed"),
    ended("line limit", "failed"),
    ended("no money, no limit", "failed"),
    ended("a word of tomorrow", "failed"),
    ended("", "failed"),
    Case(
        "given up by us, yet marked as recorded",
        (DIALS, (30, out_end("cancel", **recorded()))),
        not_reached("cancel", "cancelled", recordings=(REC,)),
    ),
    Case(
        "recording before the end",
        (DIALS, LIFTED, (65, record(ref=OUT)), OVER),
        answered(recordings=(REC,)),
    ),
    Case(
        "the answered OUT_END wins, then the longest",
        (
            DIALS,
            LIFTED,
            (20, out_end("answered", 12)),
            OVER,
            (80, out_end("no answer")),
        ),
        answered(),
    ),
    Case(
        "late ANSWER",
        (DIALS, OVER, (75, picked_up())),
        answered(legs={"100": (1, None, SPOKE)}),
    ),
]

OPEN = [
    Case(
        "dialling",
        (DIALS,),
        call("outbound", state="ringing", extension="100", legs={"100": (1, None, "")}),
    ),
    Case(
        "talking",
        (DIALS, LIFTED),
        call(
            "outbound",
            state="ongoing",
            extension="100",
            answer=8,
            wait=8,
            legs={"100": (1, 8, "")},
        ),
    ),
    Case(
        "outbound, ANSWER only",
        (LIFTED,),
        call(
            "outbound",
            state="ongoing",
            extension="100",
            answer=8,
            wait=8,
            legs={"100": (None, 8, "")},
        ),
    ),
    Case(
        "outbound, ANSWER only, given up",
        (LIFTED, (9999, given_up(OUT))),
        answered(disposition="", stop=None, talk=0, legs={"100": (None, 8, SPOKE)}),
    ),
    Case(
        "outbound, nothing told but the dialling, given up",
        (DIALS, (9999, given_up(OUT))),
        not_reached("", "failed", stop=None, wait=0),
    ),
]

# Click-to-call: our extension is rung and lifts after 5 s, the client after 11; the
# client's leg lasts 60 s, our own 66.
LEG_1 = {"calltype": "callback_leg1"}
LEG_2 = {"calltype": "callback_leg2"}
SWAPPED = {"internal": CLIENT[1:], "destination": "100"}


def click_legs(first, second, word="answered"):
    """Both legs of a click, the own one longer and told last."""
    talk = 60 if word == "answered" else 0
    lifted = [(11, picked_up(pbx_call_id=second.get("pbx_call_id", OUT)))]
    return (
        (1, dials(**first)),
        (5, dials(**second)),
        *(lifted if talk else ()),
        (71, out_end(word, talk, **second)),
        (71, out_end("answered", talk + 6, **first)),
    )


CLICK = answered(answer=11, wait=11, talk=60, stop=71, legs={"100": (1, 11, SPOKE)})
MARKS = {
    "calltype": (LEG_1, LEG_2),
    "calltype, own number on leg 1": ({**LEG_1, "destination": "100"}, LEG_2),
    "calltype, swapped too": ({**LEG_1, **SWAPPED}, LEG_2),
    "swapped": (SWAPPED, {}),
    "swapped, plus and login": (
        {"internal": CLIENT, "destination": "123456-100"},
        {"internal": "123456-100"},
    ),
    "two ids": (LEG_1, {**LEG_2, "pbx_call_id": OUT_2}),
}
CLICKS = [
    *(Case(f"click, {name}", click_legs(*legs), CLICK) for name, legs in MARKS.items()),
    *(
        Case(
            f"click, {name}, {word}",
            click_legs(*legs, word),
            not_reached(word, outcome, stop=71),
        )
        for name, legs in MARKS.items()
        for word, outcome in [("no answer", "no_answer"), ("busy", "busy")]
    ),
    *(
        Case(
            f"click, {name}, own phone is off",
            ((1, dials(**own)), (2, out_end("failed", **own))),
            not_reached(
                "failed", "failed", stop=2, number=ANY if "own" in name else CLIENT
            ),
        )
        for name, (own, _second) in MARKS.items()
    ),
    Case(
        "click, plain",
        ((1, dials()), (11, picked_up()), (71, out_end("answered", 60))),
        CLICK,
    ),
    Case(
        "click, our own lifting is told as an ANSWER",
        (
            (1, dials(**LEG_1)),
            (5, picked_up(destination="100")),
            *click_legs(LEG_1, LEG_2)[1:],
        ),
        # When the own phone lifted is not when the client did.
        {**CLICK, "legs": {"100": (1, ANY, SPOKE)}},
    ),
    Case(
        "click, of which one leg alone is told, and both liftings",
        (
            (1, dials(**LEG_1)),
            (5, picked_up(destination="100")),
            (11, picked_up()),
            (71, out_end(SPOKE, 60, **LEG_1)),
        ),
        {**CLICK, "legs": {"100": (1, ANY, SPOKE)}},
    ),
    Case(
        "click, our own lifting is told, the client does not lift",
        ((1, dials()), (5, picked_up()), (30, out_end("no answer"))),
        not_reached("no answer", "no_answer", legs={"100": (1, ANY, "")}),
    ),
    Case(
        "click, of which one leg alone is told, as leg 1",
        (
            (1, dials(**LEG_1)),
            (11, picked_up()),
            (71, out_end("answered", 60, **LEG_1)),
        ),
        CLICK,
    ),
]

INSIDE = {"destination": "101", "caller_id": "100"}
EXTENSIONS = [
    Case(
        "extension to extension",
        (
            (1, dials(**INSIDE)),
            (8, picked_up(**INSIDE)),
            (70, out_end("answered", 62, **INSIDE)),
        ),
        {
            **answered(number="101", line="", legs={"100": ANY, "101": ANY}),
            "direction": "internal",
        },
    ),
    *(
        Case(
            f"extension to extension, {word}",
            ((1, dials(**INSIDE)), (30, out_end(word, **INSIDE))),
            {
                **not_reached(word, outcome, number="101", line=""),
                "direction": "internal",
                "legs": {"100": ANY, "101": ANY},
            },
        )
        for word, outcome in [("no answer", "no_answer"), ("cancel", "cancelled")]
    ),
    *(
        Case(
            f"{number}, which is short and no extension",
            (
                (1, dials(destination=number)),
                (8, picked_up(destination=number)),
                (70, out_end("answered", 62, destination=number)),
            ),
            answered(number=number),
        )
        for number in ("112", "900", "1180", "*98", "#31#442079460201")
    ),
    Case(
        "112, dialled by an extension that shows its own number",
        (
            (1, dials(destination="112", caller_id="100")),
            (8, picked_up(destination="112", caller_id="100")),
            (70, out_end("answered", 62, destination="112", caller_id="100")),
        ),
        answered(number="112", line=""),
    ),
    Case(
        "extension to extension, no caller told",
        ((1, dials(destination="101", caller_id=None)),),
        call(
            "internal",
            state="ringing",
            number="101",
            line="",
            extension="100",
            legs={"100": ANY, "101": ANY},
        ),
    ),
]

CASES = [*PLAIN, *OPEN, *CLICKS, *EXTENSIONS]
