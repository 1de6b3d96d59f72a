"""Click-to-call: a number is dialled through the phone of who clicked.

The call is in the log before the PBX is asked, in a transaction of its own: whatever
becomes of the request, it is not dialled twice, and what the PBX tells finds its call.
"""

import dataclasses
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.http import request

from ...telephony import dialect as dialects
from ...telephony import errors
from ...telephony.call import (
    CLICKED,
    FAILED,
    OUTBOUND,
    REFUSED,
    CallEvent,
    CallFacts,
    derive,
)
from ...telephony.dialect import GENERAL
from ..tools.companies import of_all_companies
from ..tools.transactions import CONFLICTS, TRIES
from .match import SILENT_SECONDS

_logger = logging.getLogger(__name__)

# The same person and number within so many seconds: one dial.
SAME_SECONDS = 10
# Seconds that a person waits for the PBX to take the call.
PATIENCE = 10


@dataclass(frozen=True)
class Click:
    """What is to be dialled, and how."""

    phone: Any  # pbx.extension that is rung first
    number: str  # E.164
    line: str = ""  # another extension, whose number is shown
    partner: Any = None
    lead: Any = None

    @property
    def provider(self):
        return self.phone.provider_id


class PrepaidWire(dialects.Wire):
    """A wire that has counted its first question already."""

    def __init__(self, wire):
        self.wire, self.left = wire, 1
        wire.may_ask(GENERAL)

    def may_ask(self, bucket):
        if self.left:
            self.left -= 1
        else:
            self.wire.may_ask(bucket)

    def was_asked(self, exchange):
        self.wire.was_asked(exchange)


class PbxCall(models.Model):
    _inherit = "pbx.call"

    @api.model
    def dial(self, number, res_model=None, res_id=None, line=None):
        """Ring the user's phone, then ``number``; return the id of the call.

        :param str number: as typed, in any style.
        :param res_model: with ``res_id`` the record it belongs to. A contact or a lead
            that has the number becomes the call's.
        :param line: id of one of :meth:`dial_lines`, or its number; by default the
            phone's own.
        :raises UserError: what cannot succeed is not asked for; what the PBX refuses is
            in the log with its reason.

        Called again within ten seconds, for the same number by the same user, it
        returns the same id and dials nothing. The call was written in a transaction of
        its own: the caller's own one does not see it.
        """
        self = of_all_companies(self)
        click = self._read_click(number, res_model, res_id, line)
        # Odoo runs a request again whose transaction met another one, perhaps later
        # than ten seconds after.
        dialled = vars(request).setdefault("pbx_dialled", {}) if request else {}
        this = self.env.cr.dbname, self.env.uid, click.number
        if known := dialled.get(this) or self._same_click(click.number):
            return known
        wire = self._check_click(click)
        call_id, is_new = self._write_click(click)
        dialled[this] = call_id
        if is_new:
            self._dial_click(click, call_id, wire)
        return call_id

    # ---------------------------------------------------------------- the row

    def _same_click(self, number):
        """Return the id of the call this user has just asked for, or ``False``."""
        now = _now()
        # sudo: the user's own click, whoever may see the call now
        clicks = self.sudo().search(
            [
                ("user_id", "=", self.env.uid),
                ("clicked_at", ">=", now - timedelta(seconds=SAME_SECONDS + 1)),
            ],
            order="clicked_at desc",
        )
        for click in clicks:
            events = CallFacts.from_json(click.facts).events
            asked = next((e for e in events if e.kind == CLICKED), None)
            if asked is None or asked.called != number:
                continue
            # What was refused may be tried again at once: nothing rings.
            refused = any(event.kind == REFUSED for event in events)
            if not refused and abs((now - asked.at).total_seconds()) < SAME_SECONDS:
                return click.id
        return False

    def _write_click(self, click):
        """Write the call, unless it is there; return ``(id, whether it is new)``."""
        key = f"pbx.call.dial/{self.env.uid}/{click.number}"
        with self.env.registry.cursor() as lock:
            lock.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
            # Another cursor: this one's view of the data may be older than the wait.
            with self.env.registry.cursor() as cr:
                calls = self.with_env(self.env(cr=cr))
                if known := calls._same_click(click.number):
                    return known, False
                return calls._create_click(click).id, True

    def _create_click(self, click):
        settings = click.provider._settings(click.provider.id)
        calls = self._for_log(settings)
        now = _now()
        asked = CallEvent(
            kind=CLICKED,
            ref="",
            received_at=now,
            direction=OUTBOUND,
            caller=click.line,
            called=click.number,
            extension=click.phone.number,
            at=now,
        )
        facts = CallFacts([asked])
        told = derive(facts)
        at = calls.env["pbx.extension"]._who_is_at(settings.id, {click.phone.number})
        values = calls._values_of(settings, told, facts, at, calls)
        # Who dialled is known, however many sit at this phone.
        values.update(user_id=self.env.uid, user_picked=True)
        values["clicked_at"] = now.replace(microsecond=0)
        values.update(calls._whom_values(click))
        call = calls.create(values)
        call._write_legs(settings, told, at)
        job = calls.env.ref("cloud_pbx.ir_cron_close_calls")
        job._trigger(at=fields.Datetime.now() + timedelta(seconds=SILENT_SECONDS))
        self.env["pbx.notifier"]._call_dialled(call)
        return call

    def _whom_values(self, click):
        """Return whom the user said it is about: known here, not only to the caller."""
        values = {}
        for name, record, source in (
            ("partner_id", click.partner, "number"),
            ("lead_id", click.lead, "lead"),
        ):
            if record and self.env[record._name].browse(record.id).exists():
                values.update({name: record.id, "partner_source": source})
        return values

    # ---------------------------------------------------------------- the PBX

    def _dial_click(self, click, call_id, wire):
        """Ask the PBX to dial; write down what it says to that."""
        dialect, account = click.provider._open_api(urgent=True)
        account = dataclasses.replace(account, wire=wire, patience=PATIENCE)
        try:
            ref = dialect.dial(account, click.phone.number, click.number, click.line)
        except (errors.PbxError, dialects.NotOffered) as error:
            told = click.provider._explain(error)
            if _may_have_arrived(error):
                self._notify_doubt(call_id, told)
                return
            now = _now()
            refused = CallEvent(
                kind=REFUSED,
                ref="",
                received_at=now,
                direction=OUTBOUND,
                called=click.number,
                extension=click.phone.number,
                disposition=FAILED,
                said=told,
                at=now,
            )
            self._add_to_click(click, call_id, refused)
            raise UserError(told) from error
        if ref:
            self._name_click(click, call_id, ref)

    def _add_to_click(self, click, call_id, event, adopt=""):
        """Add a fact to the call, in a transaction of its own.

        :param str adopt: the PBX's id, under which it may be known already.
        """
        settings = click.provider._settings(click.provider.id)
        for _try in range(TRIES):
            try:
                with self.env.registry.cursor() as cr:
                    calls = self.with_env(self.env(cr=cr))._for_log(settings)
                    call = calls.browse(call_id).exists()
                    facts = CallFacts.from_json(call.facts).add([event])
                    other = calls._find_by_ref(settings.id, adopt) if adopt else calls
                    if other and other != call:
                        facts = facts.add(CallFacts.from_json(other.facts).events)
                        other._give_way_to(call)
                    calls._write_facts(settings, facts, call)
                    return
            except CONFLICTS:
                continue  # an event of it was applied in this moment: look again
        _logger.warning("Cloud PBX %s: call %s not updated", settings.id, call_id)

    def _name_click(self, click, call_id, ref):
        """Note the id that the PBX told at once."""
        now = _now()
        named = CallEvent(
            kind=CLICKED,
            ref=ref,
            received_at=now,
            direction=OUTBOUND,
            called=click.number,
            extension=click.phone.number,
        )
        self._add_to_click(click, call_id, named, adopt=ref)

    def _notify_doubt(self, call_id, told):
        """Nobody knows whether the PBX has taken it: it may ring in a moment."""
        doubt = self.env._(
            "It is not known whether the PBX dials: wait a moment whether your phone "
            "rings. %s",
            told,
        )
        with self.env.registry.cursor() as cr:
            # sudo: a line in the call's own chatter, by Odoo itself
            call = self.env(cr=cr, user=SUPERUSER_ID)["pbx.call"].browse(call_id)
            call._message_log(body=doubt)
        self.env["pbx.notifier"]._dial_in_doubt(self.env.user, doubt)


def _now():
    return datetime.now(UTC).replace(tzinfo=None)


def _may_have_arrived(error):
    """Tell whether the PBX may dial although it did not say so."""
    if isinstance(error, errors.Unreachable):
        return error.sent
    return isinstance(error, errors.BadAnswer | errors.TooLarge)
