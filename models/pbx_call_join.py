"""A click-to-call whose two legs the PBX tells under two ids is one call."""

from datetime import timedelta

from odoo import models

from ..telephony.call import CallFacts

# The second leg starts when our own extension has lifted.
JOIN_SECONDS = 120


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
        other = self.search(domain, order=nearest, limit=1)
        return other if other and self._belongs_to(other) else self.browse()

    def _belongs_to(self, other):
        """Tell whether two outgoing calls found near each other are one click."""
        own, client = (self, other) if self.own_leg_only else (other, self)
        if own.state == "done" and own.outcome != "answered":
            # Our own phone was not lifted, so nothing followed.
            return False
        told = CallFacts.from_json(client.facts).events
        if any(event.client_leg for event in told):
            return True
        # Unmarked: a call that was over before our phone rang is another one.
        first = min(e.received_at for e in CallFacts.from_json(own.facts).events)
        return max(event.received_at for event in told) > first
