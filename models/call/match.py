"""What a click-to-call asked for, and the events that follow: one call.

A PBX that tells no id when it is asked to dial leaves the click without one. The first
outgoing call of that phone to that number shortly after is the click's.
"""

import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...telephony import numbers
from ...telephony.call import (
    ANSWERED,
    CLICKED,
    DIALLED,
    ENDED,
    EXPIRED,
    INBOUND,
    LOGGED,
    REFUSED,
    CallEvent,
    CallFacts,
)
from ..tools.transactions import lock_rows

_logger = logging.getLogger(__name__)

# A call that begins later than this is another one.
BIND_SECONDS = 120
# How much the clock of the PBX may be behind ours, and those of our machines.
PBX_CLOCK_SECONDS, OUR_CLOCK_SECONDS = 60, 5
# Digits that two spellings of one number share at the least.
SAME_DIGITS = 9
# Clicks in that time at one PBX that are looked at.
MAX_CLICKS = 50
# Nothing was told of a click for so long: it is over.
SILENT_SECONDS = 180


class PbxCall(models.Model):
    _inherit = "pbx.call"

    clicked_at = fields.Datetime(
        readonly=True, copy=False, help="When Odoo was asked to dial."
    )

    _click_waits_idx = models.Index("(provider_id, clicked_at) WHERE ref IS NULL")
    _click_user_idx = models.Index("(user_id, clicked_at) WHERE clicked_at IS NOT NULL")

    def _find_told(self, settings, events):
        """Return ``(call, clicks)``: the call that events tell of, and the clicks
        without an id that were made about when it began, in one look-up."""
        self.flush_model(["provider_id", "ref", "clicked_at"])
        spans = _spans(event for event in events if event.extension)
        rows = self.env.execute_query(
            SQL(
                """(SELECT TRUE, id FROM pbx_call
                     WHERE provider_id = %(provider)s AND ref = %(ref)s)
                    UNION ALL
                   (SELECT TRUE, call_id FROM pbx_call_ref
                     WHERE provider_id = %(provider)s AND ref = %(ref)s)
                    UNION ALL
                   (SELECT FALSE, id FROM pbx_call WHERE %(waits)s
                  ORDER BY clicked_at DESC, id DESC LIMIT %(limit)s)""",
                provider=settings.id,
                ref=events[0].ref,
                waits=_waits(settings, spans),
                limit=MAX_CLICKS,
            )
        )
        known = [call_id for is_known, call_id in rows if is_known]
        clicks = [call_id for is_known, call_id in rows if not is_known]
        return self.browse(known[:1]), self.browse(clicks)

    def _bind_click(self, clicks, known, facts):
        """Let the click that waits for this call, if there is one, be this call.

        :param clicks: those made about then, the newest first.
        :param CallFacts known: what the log holds of ``self``, a call or none.
        :param CallFacts facts: with what is told now.
        :return: ``(call, facts)``, those of the click or as they were.
        """
        if not clicks or _has_parties(known.events):
            return self, facts
        told = [e for e in facts.events if e.kind in _MOMENTS and e.extension]
        if any(e.direction == INBOUND for e in facts.events):
            return self, facts
        click = self._click_of(clicks, told)
        if not click:
            return self, facts
        facts = CallFacts.from_json(click.facts).add(facts.events)
        self._give_way_to(click)
        return click, facts

    def _click_waits(self, settings, groups):
        """Tell whether a click without an id was made about when these calls began.

        :param dict groups: ``{ref: [CallEvent]}``.
        """
        self.flush_model(["provider_id", "ref", "clicked_at"])
        spans = _spans(event for events in groups.values() for event in events)
        waits = _waits(settings, spans)
        return bool(
            self.env.execute_query(
                SQL("SELECT 1 FROM pbx_call WHERE %s LIMIT 1", waits)
            )
        )

    def _click_of(self, clicks, told):
        """Return the newest of ``clicks`` that asked for what ``told`` events tell."""
        spans = _spans(told)
        names = {event.extension for event in told}
        called = {e.called for e in told if not numbers.is_extension(e.called)} - {""}
        found = self.browse()
        for click in clicks:
            events = CallFacts.from_json(click.facts).events
            asked = next((e for e in events if e.kind == CLICKED), None)
            if asked is None or any(e.kind == REFUSED for e in events):
                continue
            if not names & {asked.extension, asked.caller}:
                continue
            at = asked.at.replace(microsecond=0)
            if not any(early <= at <= late for early, late in spans):
                continue
            if called and not any(
                _end_alike(number, asked.called) for number in called
            ):
                continue
            found += click
        if called or len(found) == 1:
            return found[:1]
        # Our own leg does not say whom it will reach: which click it is, the next event
        # tells.
        return self.browse()

    def _give_way_to(self, click):
        """This call, told of before its parties were known, turns out to be a click."""
        if not self:
            return
        lock_rows(self.recording_ids)
        self.recording_ids.write({"call_id": click.id})
        if self.note:
            click.note = "\n".join(filter(None, (click.note, self.note)))
        self.unlink()

    # ------------------------------------------------------------------- jobs

    @api.model
    def _cron_close(self, limit=200):
        self._close_clicks(limit)
        return super()._cron_close(limit)

    @api.model
    def _close_clicks(self, limit):
        """Close the clicks of which nothing was told."""
        before = fields.Datetime.now() - timedelta(seconds=SILENT_SECONDS)
        silent = [
            ("ref", "=", False),
            ("state", "!=", "done"),
            ("clicked_at", "<=", before),
        ]
        providers = self.env["pbx.provider"].with_context(active_test=False)
        for provider in providers.search([("company_id", "!=", False)]):
            clicks = self.search(
                [("provider_id", "=", provider.id), *silent],
                order="clicked_at",
                limit=limit,
            )
            settings = provider._settings(provider.id)
            for click in clicks:
                click._close_silent(settings)
            if clicks:
                self.env["ir.cron"]._commit_progress(len(clicks))

    def _close_silent(self, settings):
        said = self.with_context(lang=self.user_id.lang).env._(
            "Nothing was heard from the PBX"
        )
        now = fields.Datetime.now()
        over = CallEvent(kind=EXPIRED, ref="", received_at=now, said=said)
        call = self._for_log(settings).browse(self.id)
        try:
            with self.env.cr.savepoint():
                facts = CallFacts.from_json(call.facts).add([over])
                call._write_facts(settings, facts, call)
        except Exception:  # noqa: BLE001
            # One click that cannot be closed must not keep the others open.
            _logger.exception("Cloud PBX %s: click %s not closed", settings.id, self.id)


def _has_parties(events):
    """Tell whether a call's facts say who dialled whom, or that we asked for it."""
    return any(
        e.kind == CLICKED
        or (e.extension and e.called and not numbers.is_extension(e.called))
        for e in events
    )


def _end_alike(one, other):
    one, other = numbers.digits(one), numbers.digits(other)
    return bool(one) and one[-SAME_DIGITS:] == other[-SAME_DIGITS:]


def _spans(events):
    """Return between which times a click was made that these events may follow."""
    told = [event for event in events if event.kind in _MOMENTS]
    return [span for event in told for span in _MOMENTS[event.kind](event)]


def _waits(settings, spans):
    """Return the condition for clicks without an id that were made in ``spans``."""
    if not spans:
        return SQL("FALSE")
    return SQL(
        "provider_id = %s AND ref IS NULL AND clicked_at BETWEEN %s AND %s",
        settings.id,
        min(early for early, _late in spans),
        max(late for _early, late in spans),
    )


def _around(moment, clock):
    """Return between which times a click was made whose call began at ``moment``."""
    late = moment + timedelta(seconds=clock)
    return moment - timedelta(seconds=BIND_SECONDS), late


def _by_receipt(event):
    return [_around(event.received_at, OUR_CLOCK_SECONDS)]


def _by_start(event):
    return [_around(moment, PBX_CLOCK_SECONDS) for moment in event.started]


# When a call began, as each kind of event tells. The PBX's clock and our idea of its
# zone may be wrong: what tells a beginning is received as it begins. What comes later
# has only the told start.
_MOMENTS = {
    DIALLED: lambda event: _by_receipt(event) + _by_start(event),
    ANSWERED: lambda event: _by_start(event) or _by_receipt(event),
    ENDED: _by_start,
    LOGGED: _by_start,
}
