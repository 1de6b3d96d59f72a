"""Inbound calls of which too little is told, or too much, or at an odd time."""

from cases import LINE, REC, Case, answer, call, end, given_up, record, rings, start
from cases_inbound import LIFTED, OPENING, OVER, RUNG, SPOKE, answered, missed

# END does not say who spoke.
UNNAMED = (144, end("answered", 134))

PARTS_MISSING = [
    Case(
        "without ANSWER",
        (*OPENING, OVER),
        # The call's answer is reckoned from its end; nobody told the leg's.
        answered(legs={"100": (2, None, SPOKE)}),
    ),
    Case("without START", (*OPENING[1:], LIFTED, OVER), answered()),
    Case(
        "without INTERNAL",
        (OPENING[0], LIFTED, OVER),
        answered(legs={"100": (None, 10, SPOKE)}),
    ),
    Case("END alone", (OVER,), answered(legs={"100": (None, None, SPOKE)})),
    Case(
        "END alone, missed",
        ((20, end("cancel")),),
        missed(20),
    ),
    Case(
        "END names nobody, ANSWER does",
        (*OPENING, LIFTED, UNNAMED),
        answered(),
    ),
    Case(
        "ANSWER names the extension in the destination alone",
        (
            OPENING[0],
            (10, answer("123456-100", internal="")),
            (144, end("answered", 134)),
        ),
        answered(legs={"100": (None, 10, SPOKE)}),
    ),
    Case(
        "full logins everywhere",
        (
            (1, start()),
            (2, rings("123456-100")),
            (10, answer("123456-100")),
            (144, end("answered", 134, "123456-100", last_internal="123456-100")),
        ),
        answered(),
    ),
    Case(
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
    Case(
        "ringing",
        OPENING,
        call("inbound", state="ringing", legs=RUNG),
    ),
    Case(
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
    Case(
        "ringing behind a menu",
        ((1, start()), (2, answer(LINE[1:], internal="")), (5, rings("100"))),
        call("inbound", state="ringing", legs={"100": (5, None, "")}),
    ),
    Case("ANSWER only", (LIFTED,), ONLY_ANSWER),
    Case(
        "ANSWER only, of an id that does not tell the direction",
        ((10, answer("100", pbx_call_id="5a1c")),),
        ONLY_ANSWER,
    ),
    Case(
        "ANSWER only, given up",
        (LIFTED, (9999, given_up())),
        {
            **ONLY_ANSWER,
            "state": "done",
            "outcome": SPOKE,
            "legs": {"100": (None, 10, SPOKE)},
        },
    ),
    Case(
        "rang and given up",
        (*OPENING, (9999, given_up())),
        call("inbound", outcome="missed", legs=RUNG),
    ),
    Case(
        "given up too early",
        (*OPENING, LIFTED, (50, given_up()), OVER),
        answered(),
    ),
]

SEVERAL_ENDS = [
    Case(
        "the longest END wins",
        (*OPENING, LIFTED, (50, end("answered", 40, "100")), OVER),
        answered(),
    ),
    Case(
        "an answered END wins over a later one",
        (*OPENING, LIFTED, OVER, (150, end("no answer")), (151, end("cancel", 500))),
        answered(),
    ),
    Case(
        "an answered END wins over an earlier one",
        (*OPENING, (9, end("no answer")), LIFTED, OVER),
        answered(),
    ),
    Case(
        "a menu's END is longer than the person's",
        (
            *OPENING,
            LIFTED,
            (144, end("answered", 134)),
            (140, end("answered", 130, "100")),
        ),
        answered(),
    ),
    Case(
        "who answered by ANSWER has answered, whatever END says",
        (*OPENING, LIFTED, (144, end("cancel"))),
        answered(disposition="cancel", talk=0),
    ),
    Case(
        "ANSWER comes after END",
        (*OPENING, OVER, (146, answer("100"))),
        answered(legs={"100": (2, None, SPOKE)}),
    ),
    Case(
        "RECORD comes before END",
        (*OPENING, LIFTED, (140, record()), OVER),
        answered(recordings=(REC,)),
    ),
    Case(
        "RECORD comes after END",
        (*OPENING, LIFTED, OVER, (150, record())),
        answered(recordings=(REC,)),
    ),
    Case(
        "RECORD comes first of all",
        ((0, record()), *OPENING, LIFTED, OVER),
        answered(recordings=(REC,)),
    ),
]

CASES = [*PARTS_MISSING, *OPEN, *SEVERAL_ENDS]
