"""Which of our lines a call was to, and what it takes over from that line."""

from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from odoo import fields
from odoo.tools import SQL

from ...telephony import numbers
from ...telephony.event import INBOUND, OUTBOUND
from ...telephony.lead import AS_COMPANY

# What a call copies of its line, and keeps whatever becomes of that.
OF_UTM = ("source_id", "medium_id", "campaign_id")
OF_LINE = ("team_id", *OF_UTM)
COPIED = ("line_id", *OF_LINE)
# A transaction that began before a line was made is over after so long.
NEW_MINUTES = 2


class KnownLine(NamedTuple):
    """What calls take over from their line: ids, or ``None``.

    :var number: as the line has it, perhaps in an older spelling.
    :var lead_policy: of which calls leads are made.
    :var made_at: naive UTC; transactions that go on may not see a line that is new.
    """

    line_id: int
    team_id: int | None = None
    source_id: int | None = None
    medium_id: int | None = None
    campaign_id: int | None = None
    made_at: datetime | None = None
    number: str = ""
    lead_policy: str = AS_COMPANY


class OwnLine(NamedTuple):
    """What is known of one of our lines or caller IDs, where it is told in doubt."""

    is_listed: bool
    active: bool


class CallLines:
    """The lines of one cloud PBX, as far as calls are about them.

    A plain class: it remembers the lines that calls of this run have made.

    :param env: with the environment in which the log is written.
    :param PbxSettings settings: of the provider.
    :param dict memory: that of ``pbx.directory``'s ``_find``.
    """

    def __init__(self, env, settings, memory):
        self.env, self.lines, self.settings = env, env["pbx.line"], settings
        self.memory, self.made, self._somebodys = memory, {}, {}

    def values(self, call, direction, line):
        """Return what a call has of its line: the values of :data:`COPIED`.

        They are copied when the line is first told, and stay; only where another line
        turns out to have been called they are copied anew.

        :param call: what is known of it, perhaps nothing.
        :param str line: our number, as the call has it; ``""`` for none.
        """
        if call and (call.line or "", call.direction or "") == (line, direction):
            return {}
        known = self._find(direction, line)
        return {name: known and getattr(known, name) or False for name in COPIED}

    def told(self, derived):
        """Return our line. What is told in doubt is one of those that are known, or a
        new one if nobody else has that number.

        It may be the number to which a call was forwarded: taken for our own, that
        customer would never be found or dialled again.
        """
        if not derived.doubtful_lines:
            return derived.line
        known = [text for text in derived.doubtful_lines if text in self.own_lines]
        if known:
            # One that a person archived may have been no line at all.
            return next(
                (text for text in known if self.own_lines[text].active), known[0]
            )
        new = (one for one in self.perhaps_new(derived) if not self._is_somebodys(one))
        return next(new, "")

    def perhaps_new(self, derived):
        """Return which numbers told in doubt may be lines that are not known yet."""
        texts = derived.doubtful_lines
        # Lines that calls made are perhaps not all that there are.
        is_complete = any(own.is_listed for own in self.own_lines.values())
        if is_complete or any(text in self.own_lines for text in texts):
            return ()
        return texts

    def _is_somebodys(self, number):
        """Tell whether somebody else has ``number``; asked once in a run."""
        if number not in self._somebodys:
            known = self.memory.get((self.settings.id, number))
            self._somebodys[number] = (
                known is None or known.source != "none"
            ) and self.env["pbx.directory"]._is_somebodys(self.settings, number)
        return self._somebodys[number]

    @cached_property
    def own_lines(self):
        """Our lines and caller IDs, ``{number: OwnLine}``."""
        self.env["pbx.line"].flush_model(
            ["number", "provider_id", "from_pbx", "active"]
        )
        self.env["pbx.extension"].flush_model(["caller_id", "provider_id"])
        rows = self.env.execute_query(
            SQL(
                """SELECT number, from_pbx IS TRUE, active IS TRUE FROM pbx_line
                    WHERE provider_id = %(provider)s
                    UNION ALL
                   SELECT caller_id, TRUE, TRUE FROM pbx_extension
                    WHERE provider_id = %(provider)s AND caller_id IS NOT NULL""",
                provider=self.settings.id,
            )
        )
        return {number: OwnLine(*of_line) for number, *of_line in rows}

    def lead_policy(self, line):
        """Return of which calls to our number ``line`` leads are made."""
        known = line and self._known(numbers.canonical(line))
        return known.lead_policy if known else AS_COMPANY

    def make(self, called):
        """Make all lines of ``called`` that are not there, in one statement.

        :param called: numbers under which we were called.
        """
        known, new = self.lines._known(self.settings.id), set()
        for line in filter(None, called):
            number = numbers.canonical(line)
            there = known.get(number)
            if number not in self.made and _may_be_unseen(there):
                new.add(there.number if there else line)
        if new:
            settings = self.settings
            self.made |= self.lines._add_called(settings.id, settings.company_id, new)

    def _find(self, direction, line):
        """Return the :class:`KnownLine` of a call, ``None`` for none.

        What is shown to those who are called may be any number: no line is made of it.
        """
        if not line or direction not in (INBOUND, OUTBOUND):
            return None
        if direction == INBOUND:
            self.make([line])
        return self._known(numbers.canonical(line))

    def _known(self, number):
        return self.made.get(number) or self.lines._known(self.settings.id).get(number)


def _may_be_unseen(known):
    """Tell whether a line is not there, or so new that this transaction, which may be
    older, has to look itself."""
    since = fields.Datetime.now() - timedelta(minutes=NEW_MINUTES)
    return known is None or known.made_at is None or known.made_at > since
