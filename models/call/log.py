"""Writing the log: facts grow, the call is derived from them anew."""

import logging

from odoo import api, fields, models

from ...telephony.call import CLICKED, EXPIRED, RECORDED, CallEvent, CallFacts, derive
from ..tools.transactions import lock_rows

_logger = logging.getLogger(__name__)

# Facts of one call. No real call has that many; a forged flood would make each further
# event cost more.
MAX_FACTS = 400
# A machine writes: no followers, no tracking, no "created" line in the chatter.
QUIET = {
    "tracking_disable": True,
    "mail_create_nosubscribe": True,
    "mail_create_nolog": True,
    "mail_notrack": True,
}


class PbxCall(models.Model):
    _inherit = "pbx.call"

    @api.model
    def _add_facts(self, settings, events):
        """Add events of one call to its facts and write what follows from them.

        :param PbxSettings settings: of the provider that told them.
        :param list events: ``CallEvent``, all with the same ``ref``.
        :return: the call.
        """
        calls = self._for_log(settings)
        call, clicks = calls._find_told(settings, events)
        known = CallFacts.from_json(call.facts if call else None)
        facts = known.add(events)
        if facts == known:
            return call
        call, facts = call._bind_click(clicks, known, facts)
        if len(facts) > MAX_FACTS:
            raise ValueError(
                f"The call has {len(facts)} events, more than any real one: "
                "further ones are not applied."
            )
        return calls._write_facts(settings, facts, call)._join_legs(settings)

    def _for_log(self, settings):
        """Return the model as the log of this provider is written."""
        # sudo: the log is the system's; it is written in the name of "run as", whose
        # rights need not reach every contact and every colleague.
        calls = self.browse().with_user(settings.user_id or self.env.uid).sudo()
        return calls.with_context(**QUIET, allowed_company_ids=[settings.company_id])

    @api.model
    def _write_facts(self, settings, facts, call):
        """Make ``call`` (or a new one, if empty) what ``facts`` tell; return it."""
        notifier = self.env["pbx.notifier"]
        shown = notifier._shown(call)
        told = derive(facts)
        at = self.env["pbx.extension"]._who_is_at(
            settings.id, {leg.extension for leg in told.legs}
        )
        values = self._values_of(settings, told, facts, at, call)
        if call:
            changed = _changed(call, values)
            # Who it was goes with how that is known, or it would pass for a person's
            # choice and never be moved again.
            if "partner_id" in changed:
                changed["partner_source"] = values["partner_source"]
            if "user_id" in changed:
                changed["user_picked"] = False
            if "start" in changed:
                lock_rows(call.recording_ids)  # they repeat it
            call.write(changed)
            if "corrected" in changed and told.corrected:
                call._say_corrected(told.contradictions)
        else:
            call = self.create(values)
        call._write_legs(settings, told, at)
        call.env["pbx.recording"]._write_from_facts(call, facts)
        notifier._call_changed(call, shown)
        return call

    def _values_of(self, settings, told, facts, at, call):
        """Return all that is written of a call; see ``_values_from``."""
        values = self._values_from(told, at, call)
        values["facts"] = facts.to_json()
        values.update(self._history_values(told, facts))
        values["own_leg_only"] = any(e.own_leg for e in facts.events) and all(
            e.own_leg or e.kind in (RECORDED, CLICKED) for e in facts.events
        )
        values.update(self._match_values(settings, told, call))
        if not call:
            values.update(provider_id=settings.id, company_id=settings.company_id)
        return values

    def _values_from(self, told, at, call):
        """Return the fields that the facts decide; what people wrote is not in them.

        :param Call told: as derived.
        :param dict at: who is at each extension, as ``_who_is_at`` gives it.
        """
        extension_id, users = at.get(told.extension, (False, []))
        values = {
            # A click's record keeps the id by which it was first known.
            "ref": call.ref or told.ref or False,
            "direction": told.direction or False,
            "state": told.state,
            "outcome": told.outcome or False,
            "disposition": told.disposition or False,
            "number": told.number or False,
            "line": told.line or False,
            "extension_id": extension_id,
            "start": _to_second(told.start),
            "answer": _to_second(told.answer),
            "stop": _to_second(told.stop),
            "wait_seconds": told.wait,
            "talk_seconds": told.talk,
            "last_event_at": _to_second(told.last_event_at),
        }
        everybody = sorted({user for _id, users in at.values() for user in users})
        if everybody != sorted(call.participant_ids.ids):
            values["participant_ids"] = [fields.Command.set(everybody)]
        if not call.user_picked:
            # Several people at one extension: which of them, only they know.
            values["user_id"] = users[0] if len(users) == 1 else False
            values["user_picked"] = False
        return values

    def _match_values(self, settings, told, call):
        """Look the outside party up: once, and not before the provider wants it."""
        if call.partner_source and (
            call.partner_source == "picked" or call.number == (told.number or False)
        ):
            return {}
        if not told.number and told.state != "done":
            return {}
        if settings.lookup_on_answer and told.state == "ringing":
            return {}
        found = self.env["pbx.directory"]._find(settings, told.number, told.line)
        values = {"partner_id": found.partner_id, "partner_source": found.source}
        if found.lead_id and not call.lead_id:
            values["lead_id"] = found.lead_id
        return values

    def _write_legs(self, settings, told, at):
        """Write one leg per extension."""
        legs = {}
        if told.legs:
            names = ["number", "start", "answer", "stop", "outcome"]
            found = self.env["pbx.call.leg"].search_fetch(
                [("call_id", "=", self.id)], names
            )
            legs = {leg.number: leg for leg in found}
        new = []
        for leg in told.legs:
            if known := legs.get(leg.extension):
                if changed := _changed(known, _leg_times(leg)):
                    known.write(changed)
            else:
                new.append(self._leg_values(settings, leg, at))
        if new:
            self.env["pbx.call.leg"].create(new)

    def _leg_values(self, settings, leg, at):
        """Return the values of a leg that is new."""
        extension_id, users = at.get(leg.extension, (False, []))
        return {
            "call_id": self.id,
            "provider_id": settings.id,
            "number": leg.extension,
            "extension_id": extension_id,
            "user_id": users[0] if len(users) == 1 else False,
            **_leg_times(leg),
        }

    def _recording_values(self, told, known=()):
        """Return the values of each recording that is not among ``known``."""
        return [
            {"call_id": self.id, "ref": ref}
            for ref in told.recordings
            if ref not in known
        ]

    @api.model
    def _cron_close(self, limit=200):
        """Close calls whose end was never told, a while after their last event."""
        providers = self.env["pbx.provider"].with_context(active_test=False)
        for provider in providers.search([("company_id", "!=", False)]):
            before = fields.Datetime.subtract(
                fields.Datetime.now(), hours=provider.open_call_hours
            )
            calls = self.search(
                [
                    ("provider_id", "=", provider.id),
                    ("state", "!=", "done"),
                    ("last_event_at", "<", before),
                ],
                order="last_event_at",
                limit=limit,
            )
            for call in calls:
                call._close_unended(provider._settings(provider.id))
            self.env["ir.cron"]._commit_progress(len(calls))

    def _close_unended(self, settings):
        facts = CallFacts.from_json(self.sudo().facts)  # sudo: for nobody but the code
        if not facts:
            return
        expired = CallEvent(
            kind=EXPIRED, ref=self.ref, received_at=fields.Datetime.now()
        )
        try:
            with self.env.cr.savepoint():
                self._add_facts(settings, [expired])
        except Exception:  # noqa: BLE001
            # One call that cannot be closed must not keep the others open.
            _logger.exception("Cloud PBX %s: call %s not closed", settings.id, self.id)


def _to_second(moment):
    return moment.replace(microsecond=0) if moment else False


def _leg_times(leg):
    return {
        "start": _to_second(leg.start),
        "answer": _to_second(leg.answer),
        "stop": _to_second(leg.stop),
        "outcome": leg.outcome or False,
    }


def _changed(record, values):
    """Return those of ``values`` that differ from what ``record`` has."""
    changed = {}
    for name, value in values.items():
        now = record[name]
        if isinstance(now, models.BaseModel):
            now = now.ids if isinstance(value, list) else now.id
        if now != value:
            changed[name] = value
    return changed
