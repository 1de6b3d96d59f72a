"""Which calls make a lead in CRM: what a company wants, and whose call it was.

Pure functions: they know no database. All times are naive UTC.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from . import numbers
from .event import INBOUND, SPOKEN
from .promise import LOST_OUTCOMES

# What a company, or a line, wants leads of.
NEVER, LOST, UNKNOWN, ALWAYS = "never", "missed", "unknown", "always"
# A line that has no choice of its own.
AS_COMPANY = "company"
# A call that was reported later than this makes no lead: it is a first import.
LATEST_REPORT = timedelta(hours=72)
# Two calls that are too short count if they are no further apart.
SHORT_WITHIN = timedelta(days=1)
# A lead that was lost or archived no longer ago than this is the caller's still.
FORMER_WITHIN = timedelta(days=30)


class Refusal(Enum):
    """Why a call makes no lead, whatever is wanted."""

    NOT_INBOUND = "it is not an incoming call"
    WITHHELD = "the number is withheld"
    OUR_OWN = "the number is one of our own"
    BLOCKED = "the number was blocked"
    SPAM = "it is tagged as spam"
    LATE = "it was reported too late"
    SHORT = "it was too short, and the only one within a day"
    OTHER_OUTCOME = "it was neither lost nor answered"


@dataclass(frozen=True)
class EndedCall:
    """A call that is over, as far as leads are concerned.

    :var int wait: seconds; ``None``: nobody reported how long.
    :var int talk: seconds; ``None``: likewise.
    :var datetime reported_at: when it became known that the call was over.
    :var bool is_our_own: the caller's number is one of our own lines or caller IDs.
    :var bool has_short_twin: another call of the number, too short as well, came within
        a day before.
    """

    direction: str
    outcome: str
    number: str
    stop: datetime | None = None
    wait: int | None = None
    talk: int | None = None
    reported_at: datetime | None = None
    is_our_own: bool = False
    is_blocked: bool = False
    is_spam: bool = False
    has_short_twin: bool = False

    @property
    def is_lost(self):
        """Whether the caller reached nobody."""
        return self.direction == INBOUND and self.outcome in LOST_OUTCOMES

    def is_short(self, min_seconds):
        """Tell whether the caller waited, or talked, for less than that.

        What nobody reported counts as long.
        """
        if self.is_lost:
            return self.wait is not None and self.wait < min_seconds
        is_talk = self.outcome == SPOKEN and self.talk is not None
        return is_talk and self.talk < min_seconds


@dataclass(frozen=True)
class Caller:
    """Who has the number.

    :var bool is_contact: one contact has it.
    :var bool is_several: several contacts, or contacts and leads of others.
    :var int open_leads: how many open leads the number or the contact has.
    :var int open_lead_id: the one, if it is one.
    :var int former_lead_id: a lead of the number that was made from a call and lost or
        archived lately.
    """

    is_contact: bool = False
    is_several: bool = False
    open_leads: int = 0
    open_lead_id: int | None = None
    former_lead_id: int | None = None


@dataclass(frozen=True)
class Verdict:
    """What becomes of a call: it makes a lead, is linked to one, or neither."""

    makes_lead: bool = False
    lead_id: int | None = None


NOTHING, NEW_LEAD = Verdict(), Verdict(makes_lead=True)


def effective_policy(of_line, of_company):
    """Return what is wanted of the calls to a line."""
    return of_company if of_line in (None, "", AS_COMPANY) else of_line


def is_late(stop, reported_at):
    """Tell whether a call was reported too late to make a lead."""
    return bool(stop and reported_at and reported_at - stop > LATEST_REPORT)


def refusal(call, min_seconds):
    """Return the :class:`Refusal` of a call, ``None`` if it may make a lead."""
    checks = (
        (Refusal.NOT_INBOUND, call.direction != INBOUND),
        (Refusal.WITHHELD, not call.number),
        (Refusal.OUR_OWN, call.is_our_own or is_nobodys(call.number)),
        (Refusal.BLOCKED, call.is_blocked),
        (Refusal.SPAM, call.is_spam),
        (Refusal.LATE, is_late(call.stop, call.reported_at)),
        (Refusal.OTHER_OUTCOME, not call.is_lost and call.outcome != SPOKEN),
        (Refusal.SHORT, call.is_short(min_seconds) and not call.has_short_twin),
    )
    return next((reason for reason, holds in checks if holds), None)


def is_nobodys(number):
    """Tell whether it is an internal number, a service or a code of the PBX."""
    return numbers.is_short(number) or numbers.is_feature_code(number)


def is_wanted(policy, call, is_contact):
    """Tell whether a lead is wanted of a caller who has no open one."""
    if policy == ALWAYS:
        return True
    if is_contact:
        return False
    return policy == UNKNOWN or (policy == LOST and call.is_lost)


def decide(policy, call, caller):
    """Return the :class:`Verdict` of a call that is not refused.

    :param str policy: of :func:`effective_policy`.
    """
    if policy == NEVER or caller.is_several or caller.open_leads > 1:
        return NOTHING
    if caller.open_lead_id:
        return Verdict(lead_id=caller.open_lead_id)
    if not is_wanted(policy, call, caller.is_contact):
        return NOTHING
    if caller.former_lead_id:
        return Verdict(lead_id=caller.former_lead_id)
    return NEW_LEAD
