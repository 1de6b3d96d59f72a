"""What the call of each scenario is in the log.

Written down from what a call means, not from what the code does.
"""

LINE = "+442079460900"


def inbound(outcome="answered", **changes):
    spoke = outcome == "answered"
    return {
        "direction": "inbound",
        "state": "done",
        "outcome": outcome,
        "disposition": "answered",
        "line": LINE,
        "extension": "100" if spoke else False,
        "user": "admin" if spoke else False,
        "participants": {"admin"},
        "legs": {"100": spoke},  # and whether it spoke
        "recordings": 1 if spoke else 0,
        "found": True,
        **changes,
    }


def outbound(outcome="answered", disposition="answered", **changes):
    told = inbound(outcome, disposition=disposition, direction="outbound")
    return {**told, "user": "admin", "extension": "100", **changes}


BOTH = {"participants": {"admin", "demo"}}
NOBODY = {"participants": set(), "legs": {}}
CALLS = {
    "answered": inbound(),
    "missed": inbound("missed", disposition="cancel"),
    "busy": inbound("busy", disposition="busy"),
    "abandoned": inbound("missed", disposition="cancel", **NOBODY),
    # A phone rang, but what lifted was the PBX itself, not a person.
    "voicemail": inbound("missed", recordings=1),
    "menu_answered": inbound("missed", **NOBODY),
    "ring_group": inbound(legs={"100": True, "101": False}, **BOTH),
    "ring_group_missed": inbound(
        "missed", disposition="no answer", legs={"100": False, "101": False}, **BOTH
    ),
    "transfer": inbound(
        legs={"100": True, "101": True},
        extension="101", user="demo", recordings=2, **BOTH,
    ),
    "withheld": inbound(found=False, recordings=0),
    "ivr": inbound(),
    "answer_only": inbound(
        False, state="ongoing", disposition=False, line=False,
        extension="100", user="admin", legs={"100": True},
    ),
    "record_before_end": inbound(),
    "record_after_end": inbound(),
    "out_of_order": inbound(),
    "repeated": inbound(),
    "outbound": outbound(),
    "outbound_no_answer": outbound("no_answer", "no answer"),
    "outbound_busy": outbound("busy", "busy"),
    "outbound_failed": outbound("failed", "failed"),
    # The PBX names a recording here, though there can be none.
    "outbound_cancelled": outbound("cancelled", "cancel", recordings=1),
    "outbound_no_money": outbound("failed", "no money", line=False),
    "click_calltype": outbound(),
    "click_swapped": outbound(),
    "click_plain": outbound(),
    "click_two_ids": outbound(),
    "extension_to_extension": outbound(
        direction="internal", line=False, found=False, recordings=0,
        # Who lifted at the other end is told by nothing.
        legs={"100": True, "101": False}, **BOTH,
    ),
}  # fmt: skip


def shown(call: dict, expected: dict, users: dict) -> dict:
    """A call, as `log.calls` reads it, in the table's words; `users`: logins by id."""
    said = "outcome" if call["state"] == "done" else "answer"
    silent = (False, "missed")
    spoke = {n: leg[said] not in silent for n, leg in call["legs"].items()}
    derived = {
        "extension": call["extension_id"] and call["extension_id"][1].split()[0],
        "user": call["user_id"] and users[call["user_id"][0]],
        "participants": {users[user] for user in call["participant_ids"]},
        "legs": spoke,
        "recordings": len(call["recordings"]),
        "found": bool(call["partner_id"]),
    }
    return {name: derived.get(name, call.get(name)) for name in expected}
