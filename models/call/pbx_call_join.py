"""A click-to-call whose two legs the PBX tells under two ids is one call."""

from datetime import timedelta

from odoo import models
from odoo.tools import SQL

from ...telephony.call import CLICKED, CallFacts
from ..tools.transactions import lock_rows

# The second leg starts when our own extension has lifted.
JOIN_SECONDS = 120
# Calls of one extension to one number in that time that are looked at.
MAX_NEAR = 10


class PbxCall(models.Model):
    _inherit = "pbx.call"

    def _join_legs(self, settings, wait=False):
        """Join this call with the other leg of the same click, if there is one.

        :param bool wait: for others who join; without it they are left to do so.
        :return: the call that is left, this one or the older of the two.
        """
        other = self._other_leg()
        if not other or not self._may_join(settings.id, wait):
            return self
        lock_rows(self | other)
        lock_rows((self | other).recording_ids)
        # The click's own record first: its id is known to who clicked.
        kept, gone = sorted((self, other), key=lambda c: (not c.clicked_at, c.id))
        facts = CallFacts.from_json(kept.facts).add(
            CallFacts.from_json(gone.facts).events
        )
        refs = self.env["pbx.call.ref"]
        gone_ref, note = gone.ref, gone.note
        # What has been fetched already stays.
        gone.recording_ids.filtered(
            lambda recording: recording.ref not in kept.recording_ids.mapped("ref")
        ).write({"call_id": kept.id})
        refs.search([("call_id", "=", gone.id)]).call_id = kept
        gone.unlink()
        refs.create({"provider_id": settings.id, "ref": gone_ref, "call_id": kept.id})
        if note:
            kept.note = "\n".join(filter(None, (kept.note, note)))
        return self._write_facts(settings, facts, kept)

    def _may_join(self, provider_id, wait):
        """Take the lock of who joins: two who each hold one of the calls would wait for
        each other."""
        key = f"pbx.call.join/{provider_id}"
        take = SQL("pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock")
        rows = self.env.execute_query(
            SQL("SELECT %s(hashtextextended(%s, 0))::text", take, key)
        )
        return rows[0][0] != "false"

    def _may_have_leg(self):
        """Tell, in one indexed look-up, whether it is worth looking for another leg."""
        rows = self.env.execute_query(
            SQL(
                """SELECT 1 FROM pbx_call this
                    WHERE this.id = %s AND (this.own_leg_only OR EXISTS (
                          SELECT 1 FROM pbx_call own
                           WHERE own.provider_id = this.provider_id
                             AND own.own_leg_only
                             AND own.start BETWEEN this.start - %s AND this.start))""",
                self.id,
                timedelta(seconds=JOIN_SECONDS),
            )
        )
        return bool(rows)

    def _other_leg(self):
        if self.direction != "outbound":
            return self.browse()
        span = timedelta(seconds=JOIN_SECONDS)
        early, late = (
            (self.start, self.start + span)
            if self.own_leg_only
            else (self.start - span, self.start)
        )
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT other.id FROM pbx_call other
                    WHERE other.provider_id = %(provider)s
                      AND other.direction = 'outbound' AND other.id != %(this)s
                      -- a click that waits for its first event is bound elsewhere
                      AND other.ref IS NOT NULL
                      AND other.start BETWEEN %(early)s AND %(late)s
                      AND %(kind)s
                      AND (%(number)s IS NULL OR other.number IS NULL
                           OR other.number = %(number)s)
                      -- one that shows another extension's number may be told as its
                      AND (other.clicked_at IS NOT NULL OR %(clicked)s OR EXISTS (
                          SELECT 1 FROM pbx_call_leg ours
                            JOIN pbx_call_leg theirs ON theirs.number = ours.number
                           WHERE ours.call_id = %(this)s
                             AND theirs.call_id = other.id))
                 ORDER BY %(nearest)s LIMIT %(limit)s""",
                provider=self.provider_id.id,
                this=self.id,
                early=early,
                late=late,
                kind=SQL("other.own_leg_only IS NOT TRUE")
                if self.own_leg_only
                else SQL("other.own_leg_only"),
                number=self.number or None,
                clicked=bool(self.clicked_at),
                nearest=SQL("other.start")
                if self.own_leg_only
                else SQL("other.start DESC"),
                limit=MAX_NEAR,
            )
        )
        found = self.browse(call_id for [call_id] in rows)
        return next(filter(self._belongs_to, found), self.browse())

    def _belongs_to(self, other):
        """Tell whether two outgoing calls found near each other are one click."""
        own, client = (self, other) if self.own_leg_only else (other, self)
        if own.clicked_at or client.clicked_at:
            if own.clicked_at and client.clicked_at:
                return False  # clicked twice
            if not _names(own) & _names(client):
                return False
        if own.state == "done" and own.outcome != "answered":
            # Our own phone was not lifted, so nothing followed.
            return False
        told = _told(client)
        if any(event.own_leg for event in told):
            # That call has its own leg: the number was dialled once more.
            return False
        if any(event.client_leg for event in told):
            return True
        # Unmarked: a call that was over before our phone rang is another one.
        first = min(event.received_at for event in _told(own))
        return max(event.received_at for event in told) > first


def _names(call):
    """Return the extensions that dial in a call, by the names the PBX may tell."""
    events = CallFacts.from_json(call.facts).events
    asked = {e.caller for e in events if e.kind == CLICKED} - {""}
    return asked.union(call.leg_ids.mapped("number"))


def _told(call):
    """Return what the PBX told of a call."""
    events = CallFacts.from_json(call.facts).events
    return [event for event in events if event.kind != CLICKED]
