"""Which calls make a lead: the table of the contract, cell by cell."""

from datetime import datetime, timedelta
from itertools import product

import pytest

from telephony.lead import (
    NEW_LEAD,
    NOTHING,
    Caller,
    EndedCall,
    Refusal,
    Verdict,
    decide,
    effective_policy,
    refusal,
)

NUMBER, STOP = "+442079460201", datetime(2026, 6, 16, 12)
UNKNOWN, KNOWN = Caller(), Caller(is_contact=True)
# Who makes a lead, lost and talked.
TABLE = {
    "never": {},
    "missed": {(UNKNOWN, "lost")},
    "unknown": {(UNKNOWN, "lost"), (UNKNOWN, "talked")},
    "always": set(product((UNKNOWN, KNOWN), ("lost", "talked"))),
}


def call(outcome="missed", **values):
    known = {"wait": 20, "talk": 20, "stop": STOP, "reported_at": STOP}
    return EndedCall(
        **{"direction": "inbound", "outcome": outcome, "number": NUMBER, **known}
        | values
    )


CALLS = {"lost": call(), "talked": call("answered")}


@pytest.mark.parametrize("what", CALLS)
@pytest.mark.parametrize("caller", [UNKNOWN, KNOWN])
@pytest.mark.parametrize("policy", TABLE)
def test_every_cell(policy, caller, what):
    wanted = NEW_LEAD if (caller, what) in TABLE[policy] else NOTHING
    assert decide(policy, CALLS[what], caller) == wanted


@pytest.mark.parametrize("outcome", ["missed", "busy", "failed"])
def test_lost(outcome):
    assert decide("missed", call(outcome), UNKNOWN) == NEW_LEAD


@pytest.mark.parametrize("policy", ["missed", "unknown", "always"])
@pytest.mark.parametrize(
    ("caller", "wanted"),
    [
        (Caller(is_several=True), NOTHING),
        (Caller(open_leads=2), NOTHING),
        (Caller(is_contact=True, open_leads=2), NOTHING),
        (Caller(open_leads=1, open_lead_id=7), Verdict(lead_id=7)),
        (Caller(is_contact=True, open_leads=1, open_lead_id=7), Verdict(lead_id=7)),
        (Caller(former_lead_id=8), Verdict(lead_id=8)),
    ],
)
def test_who_has_leads_or_is_several(policy, caller, wanted):
    assert decide(policy, call(), caller) == wanted
    assert decide("never", call(), caller) == NOTHING


def test_a_former_lead_where_none_is_wanted():
    former = Caller(former_lead_id=8)
    assert decide("missed", call("answered"), former) == NOTHING


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, None),
        ({"direction": "outbound"}, Refusal.NOT_INBOUND),
        ({"direction": "internal"}, Refusal.NOT_INBOUND),
        ({"number": ""}, Refusal.WITHHELD),
        ({"number": "101"}, Refusal.OUR_OWN),
        ({"number": "*98"}, Refusal.OUR_OWN),
        ({"is_our_own": True}, Refusal.OUR_OWN),
        ({"is_blocked": True}, Refusal.BLOCKED),
        ({"is_spam": True}, Refusal.SPAM),
        ({"reported_at": STOP + timedelta(hours=72)}, None),
        ({"reported_at": STOP + timedelta(hours=72, seconds=1)}, Refusal.LATE),
        ({"outcome": "cancelled"}, Refusal.OTHER_OUTCOME),
        ({"outcome": ""}, Refusal.OTHER_OUTCOME),
        ({"wait": 4}, Refusal.SHORT),
        ({"wait": 0}, Refusal.SHORT),
        ({"wait": 5}, None),
        ({"wait": None}, None),
        ({"wait": 4, "has_short_twin": True}, None),
        ({"outcome": "busy", "wait": 1}, Refusal.SHORT),
        ({"outcome": "answered", "talk": 4}, Refusal.SHORT),
        ({"outcome": "answered", "talk": 5}, None),
        ({"outcome": "answered", "talk": None}, None),
        ({"outcome": "answered", "talk": 4, "has_short_twin": True}, None),
        ({"outcome": "answered", "wait": 1, "talk": 30}, None),
    ],
)
def test_never_whatever_is_wanted(values, reason):
    assert refusal(call(**values), 5) is reason


def test_no_call_is_too_short_for_nothing():
    assert refusal(call(wait=0), 0) is None


@pytest.mark.parametrize(
    ("of_line", "wanted"),
    [("company", "missed"), ("", "missed"), ("never", "never"), ("always", "always")],
)
def test_whose_choice_counts(of_line, wanted):
    assert effective_policy(of_line, "missed") == wanted
