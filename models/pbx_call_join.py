"""A click-to-call whose two legs the PBX tells under two ids is one call."""

from datetime import timedelta

from odoo import models
from odoo.tools import SQL

from ..telephony.call import CallFacts

# The second leg starts when our own extension has lifted.
JOIN_SECONDS = 120
# Calls of one extension to one number in that time that are looked at.
MAX_NEAR = 5


class PbxCall(models.Model):
    _inherit = "pbx.call"

    def _join_legs(self, settings):
        """Join this call with the other leg of the same click, if there is one.

        :return: the call that is left, this one or the older of the two.
        """
        other = self._other_leg()
        if not other:
            return self
        kept, gone = (self, other) if self.id < other.id else (other, self)
        facts = CallFacts.from_json(kept.facts).add(
            CallFacts.from_json(gone.facts).events
        )
        refs = self.env["pbx.call.ref"]
        gone_ref, note = gone.ref, gone.note
        refs.search([("call_id", "=", gone.id)]).call_id = kept
        gone.unlink()
        refs.create({"provider_id": settings.id, "ref": gone_ref, "call_id": kept.id})
        if note:
            kept.note = "\n".join(filter(None, (kept.note, note)))
        return self._write_facts(settings, facts, kept)

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
        if self.direction != "outbound" or not self.leg_ids:
            return self.browse()
        span = timedelta(seconds=JOIN_SECONDS)
        early, late = (
            (self.start, self.start + span)
            if self.own_leg_only
            else (self.start - span, self.start)
        )
        domain = [
            ("provider_id", "=", self.provider_id.id),
            ("direction", "=", "outbound"),
            ("id", "!=", self.id),
            ("own_leg_only", "!=", self.own_leg_only),
            ("start", ">=", early),
            ("start", "<=", late),
            ("leg_ids.number", "in", self.leg_ids.mapped("number")),
        ]
        if self.number:
            domain.append(("number", "in", (self.number, False)))
        nearest = "start" if self.own_leg_only else "start desc"
        found = self.search(domain, order=nearest, limit=MAX_NEAR)
        return next(filter(self._belongs_to, found), self.browse())

    def _belongs_to(self, other):
        """Tell whether two outgoing calls found near each other are one click."""
        own, client = (self, other) if self.own_leg_only else (other, self)
        if own.state == "done" and own.outcome != "answered":
            # Our own phone was not lifted, so nothing followed.
            return False
        told = CallFacts.from_json(client.facts).events
        if any(event.own_leg for event in told):
            # That call has its own leg: the number was dialled once more.
            return False
        if any(event.client_leg for event in told):
            return True
        # Unmarked: a call that was over before our phone rang is another one.
        first = min(e.received_at for e in CallFacts.from_json(own.facts).events)
        return max(event.received_at for event in told) > first
