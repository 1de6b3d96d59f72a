"""Click-to-call: a number is dialled through the phone of who clicked.

The call is in the log before the PBX is asked, in a transaction of its own: whatever
becomes of the request, it is not dialled twice, and the PBX's events find their call.
"""

import dataclasses
import logging
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from odoo import SUPERUSER_ID, fields
from odoo.exceptions import UserError
from odoo.http import request

from ...telephony import dialect as dialects
from ...telephony import errors, numbers
from ...telephony.dialect import GENERAL
from ...telephony.event import CLICKED, FAILED, OUTBOUND, REFUSED, CallEvent
from ...telephony.facts import CallFacts
from ..people.pbx_phone_number import phone_columns
from ..tools.transactions import CONFLICTS, in_own_transaction, wait_for_locks
from .failure import failure_of
from .log import CallLog

_logger = logging.getLogger(__name__)

# The same person and number within so many seconds: one dial.
SAME_SECONDS = 10
# For which a person waits for the PBX to take the call.
DIAL_SECONDS = 10
# For an answer that only helps to say sooner that it will not work.
CHECK_SECONDS = 3
# For which a phone that was online is taken to be so still.
ONLINE_SECONDS = 60
# What the PBX dials: E.164, without the shortest ones.
MIN_DIGITS = 7
# Whoever does not answer this may still dial; wrong keys and limits hold for both.
NO_ANSWER = (errors.Unreachable, errors.BadAnswer, errors.TooLarge)


class ConfirmationNeeded(UserError):
    """What may be dialled once the user has read why not; see ``pbx.call.dial``.

    Browsers know it by its name.
    """


class SeveralNumbers(UserError):
    """There is more than one number in a text: the user chooses which.

    Browsers know it by its name, and find the numbers in its context: ``choices``, each
    ``{"number", "readable", "extension"}``, ``number`` being what to dial instead.
    """

    def __init__(self, message, choices):
        super().__init__(message)
        self.context = {"choices": choices}


@dataclass(frozen=True)
class Click:
    """What is to be dialled, and how."""

    phone: Any  # pbx.extension that is rung first
    number: str  # E.164, as the log has it
    dialled: str  # E.164, as it is dialled
    extension: str = ""  # behind the number: the user dials it when somebody lifts
    line: str = ""  # another extension, whose number is shown
    ref: str = ""  # the call's id, where it is ours to give
    record: Any = None  # what the click was made from
    partner: Any = None
    lead: Any = None
    is_confirmed: bool = False  # the user has read a warning and calls nevertheless

    @property
    def provider(self):
        return self.phone.provider_id


class Written(NamedTuple):
    """A click's row in the log."""

    call_id: int
    is_new: bool


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


class Dial:
    """One click, in four parts: read, check, write, ask.

    What cannot succeed is refused before anything is written. Once it is written, the
    PBX is asked, and what it answers is written down.

    :param env: of the user who dials, with all of the user's companies.
    """

    def __init__(self, env):
        self.env = env
        self.calls = env["pbx.call"]

    def run(self, number, res_model=None, res_id=None, line=None, confirmed=False):
        """Do all of it; see ``pbx.call.dial``."""
        click = self.read(number, res_model, res_id, line)
        ref = click.provider._dialect().new_call_ref()
        click = dataclasses.replace(click, ref=ref, is_confirmed=bool(confirmed))
        if known := self._same_click(self.env, click.number):
            return known
        wire = self.check(click)
        written = self.write_click(click)
        if written.is_new:
            self.ask(click, written.call_id, wire)
        return written.call_id

    # ---------------------------------------------------------------------- read

    def read(self, number, res_model, res_id, line):
        """Return the :class:`Click` that is asked for; nothing is asked of the PBX."""
        record = self._record_to_call(res_model, res_id)
        # sudo: to which company it belongs decides only which phone rings
        company = record and "company_id" in record and record.sudo().company_id
        phones = self.calls._phones(company)
        if not phones:
            raise UserError(
                self.env._(
                    "You have no internal number here. An administrator enters it in "
                    "your user's form, on the page “IP telephony”."
                )
            )
        phone = phones[0]
        if not phone.provider_id.is_running:
            raise UserError(self._explain_switched_off(phone.provider_id.name))
        typed = self._read_number(number, record, phone)
        click = Click(
            phone,
            typed.number,
            typed.dialled,
            typed.extension,
            self._read_line(line, phone),
            record=record,
        )
        if record is None:
            return click
        return dataclasses.replace(click, **self._whom(record, click))

    def _explain_switched_off(self, name):
        if self.env.user.has_group("base.group_system"):
            return self.env._(
                "The cloud PBX “%s” is switched off: nobody is entered under “Run as”.",
                name,
            )
        return self.env._(
            "The cloud PBX “%s” is switched off: tell the administrator.", name
        )

    def _record_to_call(self, res_model, res_id):
        """Return the record somebody is called about, ``None`` for none."""
        if not res_model or not res_id:
            return None
        if res_model not in self.env or self.env[res_model]._abstract:
            raise UserError(self.env._("There is no such record any more."))
        record = self.env[res_model].browse(int(res_id)).exists()
        if not record:
            raise UserError(self.env._("There is no such record any more."))
        record.check_access("read")
        return record

    def _read_number(self, number, record, phone):
        """Return the :class:`TypedNumber` that is dialled for what was typed.

        National forms are read in the record's country, else in those of the PBX; short
        numbers are taken where the PBX dials them.
        """
        typed = number.strip() if isinstance(number, str) else ""
        settings = phone.provider_id._settings(phone.provider_id.id)
        # sudo: in which country a number is read, nothing else
        phones = self.env["pbx.phone.number"].sudo()
        country = phones._countries(record.sudo())[record.id] if record else ""
        reading = numbers.dialable(typed, country, settings.countries)
        if reading.number and len(reading.number) > MIN_DIGITS:
            return self._as_reported(reading.choices[0], record, settings)
        if reading.problem == numbers.SEVERAL:
            raise SeveralNumbers(
                self.env._("“%s” holds more than one number. Choose one.", typed),
                self._choices(reading.choices),
            )
        dialect = phone.provider_id._dialect()
        if dialect.dials_short_numbers and (short := dialect.read_extension(typed)):
            return numbers.TypedNumber(short, dialled=short)
        if self._was_reported(typed, phone):
            return numbers.TypedNumber(typed, dialled=typed)
        raise UserError(self._explain_number(typed, reading.problem))

    @staticmethod
    def _as_reported(one, record, settings):
        """Return a number, to be dialled as the PBX named it in the call it is of.

        The log has one spelling where two of them reach different phones.
        """
        if (
            record is None
            or record._name not in ("pbx.call", "pbx.promise")
            or not numbers.is_dialled_in_two_ways(one.number)
        ):
            return one
        # sudo: of the calls only how a number is spelled that the user knows
        call = record.sudo()
        if record._name == "pbx.promise":
            lost = [("promise_id", "=", record.id), ("promise_part", "=", "lost")]
            call = call.env["pbx.call"].search(lost, order="start desc", limit=1)
        facts = CallFacts.from_json(call.facts)
        for event in reversed(facts.events):
            for reported in (event.caller_reported, event.called_reported):
                for read in numbers.read_typed(reported, None, settings.countries):
                    if read.number == one.number:
                        return dataclasses.replace(one, dialled=read.dialled)
        return one

    def _choices(self, found):
        """Return the numbers of a text to choose from, the last one called first."""
        called = {one.number: one for one in found}
        last = self.calls.search(
            [
                ("user_id", "=", self.env.uid),
                ("clicked_at", "!=", False),
                ("number", "in", list(called)),
            ],
            order="clicked_at desc",
            limit=1,
        )
        return [
            {
                "number": f"{one.dialled} ext. {one.extension}"
                if one.extension
                else one.dialled,
                "readable": numbers.readable(one.dialled),
                "extension": one.extension,
            }
            for one in sorted(found, key=lambda one: one.number != last.number)
        ]

    def _was_reported(self, typed, phone):
        """Tell whether somebody called from just this number, valid or not."""
        if not typed.removeprefix("+").isdigit() or len(typed) < MIN_DIGITS:
            return False
        # sudo: whether there is such a caller, whoever may see the call
        calls = self.calls.sudo().search(
            [
                ("number", "=", typed),
                ("company_id", "=", phone.company_id.id),
                ("direction", "=", "inbound"),
            ],
            limit=1,
        )
        return bool(calls)

    def _explain_number(self, typed, problem):
        """Return why what was typed is not dialled, and what to do."""
        if problem == numbers.LOCAL:
            return self.env._(
                "“%s” is a local number. Enter it with its area code.", typed
            )
        if problem == numbers.FEATURE:
            return self.env._(
                "“%s” is a code for your phone or the PBX. Dial it on your phone.",
                typed,
            )
        if problem == numbers.SHORT:
            return self.env._(
                "“%s” is a short number. The PBX takes only whole phone numbers from "
                "here: dial it on your phone.",
                typed,
            )
        return self.env._(
            "“%s” cannot be read as a phone number. Enter it with its country code, "
            "such as +44 20 7946 0201.",
            typed,
        )

    def _read_line(self, line, phone):
        """Return the extension whose number is to be shown, ``""`` for the phone's."""
        if not line:
            return ""
        lines = self.calls._lines(phone)
        if isinstance(line, str):
            wanted = phone._read_caller_id(line, phone.provider_id.id)
            chosen = lines.filtered(lambda one: one.caller_id == wanted)
        else:
            chosen = lines.filtered(lambda one: one.id == line)
        if not chosen:
            raise UserError(
                self.env._(
                    "This number cannot be shown to those you call. Choose another "
                    "line."
                )
            )
        return "" if chosen.caller_id == phone.caller_id else chosen._identity()

    def _whom(self, record, click):
        """Return contact and lead of a call about ``record``, if it has the number."""
        settings = self._settings(click)
        lead = record if record._name == "crm.lead" else None
        # sudo: the contacts of a record that the user may read
        partners = record.sudo()
        if _is_call_back(click):
            # Whom the caller was found to be, whatever numbers are entered there now.
            partner, lead = partners.partner_id, partners.lead_id
        else:
            if record._name != "res.partner":
                partners = partners._mail_get_partners()[record.id]
            having = partners.filtered(
                lambda partner: self._has_number(partner, click.number, settings)
            )
            own = record.sudo()
            if not having and not self._has_number(own, click.number, settings):
                return {}
            partner = having or partners
        return {
            name: one
            for name, one in (("partner", partner), ("lead", lead))
            # Of several none is meant more than the others.
            if one
            and len(one) == 1
            and (one.company_id.id or False) in (False, *settings.company_ids)
        }

    def _has_number(self, record, number, settings):
        """Tell whether one of the record's own numbers is ``number``."""
        if "phone_sanitized" in record and record.phone_sanitized == number:
            return True
        country = self.env["pbx.phone.number"]._countries(record)[record.id]
        typed = (record[name] for name in phone_columns(record))
        return any(
            numbers.same_number(number, text, country, settings.countries)
            for text in typed
            if text
        )

    # --------------------------------------------------------------------- check

    def check(self, click):
        """Refuse what cannot succeed; return a wire on which one question is free."""
        self._check_number(click)
        dialect, account = click.provider._open_api(urgent=True)
        account = dataclasses.replace(account, patience=CHECK_SECONDS)
        try:
            self._check_phone(click, dialect, account)
            self._check_money(click, dialect, account)
            return PrepaidWire(account.wire)
        except errors.PbxError as error:
            raise UserError(click.provider._explain(error)) from error

    def _check_number(self, click):
        """Refuse our own numbers, and those that are not to be called."""
        settings = self._settings(click)
        # sudo: our own lines and extensions, whoever may see them
        own = self.env["pbx.directory"].sudo()._is_own(settings, click.number)
        readable = numbers.readable(click.number)
        if own:
            raise UserError(
                self.env._("%s is one of your own numbers at the PBX.", readable)
            )
        # Whoever waits to be called back asked for it.
        is_wanted = click.is_confirmed or _is_call_back(click)
        if not is_wanted and self._is_blacklisted(click.number):
            # Who wants no advertisements may well want an answer.
            raise ConfirmationNeeded(
                self.env._(
                    "%s is on the phone blacklist: its owner opted out of text "
                    "messages. Call anyway?",
                    readable,
                )
            )

    def _is_blacklisted(self, number):
        # In whatever form Odoo has read what was entered there.
        spellings = list(numbers.spellings(numbers.canonical(number)))
        # sudo: what is on that list is asked, nothing of it is shown
        blacklist = self.env["phone.blacklist"].sudo()
        return blacklist.search_count([("number", "in", spellings)], limit=1)

    def _check_phone(self, click, dialect, account):
        """Refuse if no phone is registered; that this is not known is no reason."""
        phone = click.phone
        since = fields.Datetime.now() - timedelta(seconds=ONLINE_SECONDS)
        asked = phone.checked_at and phone.checked_at > since
        if asked and phone.status == "online":
            return
        try:
            online = dialect.fetch_online(account, phone._identity())
        except (dialects.NotOffered, *NO_ANSWER):
            return
        except (errors.NotFound, errors.BadParameter) as error:
            raise UserError(
                self.env._(
                    "The PBX does not know your internal number %(number)s "
                    "(%(detail)s).",
                    number=phone.number,
                    detail=error.detail,
                )
            ) from error
        self._keep(phone, lambda one: one._set_online(online))
        if not online:
            raise UserError(
                self.env._(
                    "Your phone %s is not connected to the PBX: it would not ring. "
                    "Switch it on, or check its settings, then try again.",
                    phone.number,
                )
            )

    def _check_money(self, click, dialect, account):
        """Refuse if nothing is left; asked anew, since it may have been topped up."""
        # sudo: what is left is for administrators, that nothing is left for all
        provider_sudo = click.provider.sudo()
        known = dialect.has_balance and provider_sudo.balance
        if not known or provider_sudo.balance_amount > 0:
            return
        try:
            balance = dialect.fetch_balance(account)
            amount = float(balance.amount)
        except (dialects.NotOffered, ValueError, *NO_ANSWER):
            return
        self._keep(provider_sudo, lambda one: one._note_balance(balance))
        if math.isfinite(amount) and amount <= 0:
            raise UserError(provider_sudo._explain(errors.NoMoney()))

    def _keep(self, record, note):
        """Keep what the PBX has just answered, whatever becomes of the request."""
        try:
            # sudo: what the PBX answers, the user only asked
            in_own_transaction(
                self.env, lambda env: note(record.with_env(env).sudo()), tries=1
            )
        except CONFLICTS:
            # Somebody else notes the same in this moment: one of them is enough.
            _logger.info("Cloud PBX: noted by somebody else in this moment")

    # --------------------------------------------------------------------- write

    def write_click(self, click):
        """Write the call, unless it is there; return :class:`Written`."""

        def write_row(env):
            if known := self._same_click(env, click.number):
                return Written(known, False)
            return Written(self._create_row(env, click), True)

        def write_alone(env):
            wait_for_locks(env, [f"pbx.call.dial/{env.uid}/{click.number}"])
            # One more transaction: what this one sees may be older than the wait.
            return in_own_transaction(self.env, write_row)

        return in_own_transaction(self.env, write_alone)

    def _same_click(self, env, number):
        """Return the id of the call this user has just asked for, or ``False``.

        Within ten seconds, or in this very request: Odoo runs a request again whose
        transaction met another one, perhaps later than that.
        """
        # sudo: the user's own click, whoever may see the call now
        calls, now = env["pbx.call"].sudo(), _now()
        if key := self._click_key(number):
            if same := calls.search([("click_key", "=", key)], limit=1):
                return same.id
        clicks = calls.search(
            [
                ("user_id", "=", env.uid),
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

    def _click_key(self, number):
        """Return what makes this click another one than all others, ``""`` for nothing.

        The request is named once, where a web server would have named it: however often
        Odoo runs it, its click has the same key.
        """
        if not request:
            return ""
        environ = request.httprequest.environ
        request_id = environ.setdefault("cloud_pbx.request_id", uuid4().hex)
        return f"{request_id}/{self.env.uid}/{number}"

    def _create_row(self, env, click):
        now = _now()
        asked = self._event(
            click, CLICKED, click.ref, caller=click.line, at=now, received_at=now
        )
        values = {
            # Who dialled is known, however many sit at this phone.
            "user_id": self.env.uid,
            "user_picked": True,
            "click_key": self._click_key(click.number) or False,
            "then_dial": click.extension or False,
        }
        # A click in a call's own form is about whom that call was about.
        if click.record is not None and click.record._name != "pbx.call":
            values.update(res_model=click.record._name, res_id=click.record.id)
        # About whom the user calls, if that is visible to this transaction too.
        for name, record, source in (
            ("partner_id", click.partner, "number"),
            ("lead_id", click.lead, "lead"),
        ):
            if record and env[record._name].browse(record.id).exists():
                values.update({name: record.id, "partner_source": source})
        if "lead_id" in values:
            values["lead_picked"] = True
        log = CallLog(env, self._settings(click))
        return log.create_click(asked, values).id

    # ----------------------------------------------------------------------- ask

    def ask(self, click, call_id, wire):
        """Ask the PBX to dial; write down what it answers.

        :raises UserError: it refused.
        """
        dialect, account = click.provider._open_api(urgent=True)
        account = dataclasses.replace(account, wire=wire, patience=DIAL_SECONDS)
        try:
            ref = dialect.dial(
                account,
                click.phone._identity(),
                click.dialled,
                click.line,
                ref=click.ref,
                shown=click.phone.number,
            )
        except (errors.PbxError, dialects.NotOffered) as error:
            reason = click.provider._explain(error)
            if _may_have_arrived(error):
                has_call = self._has_call(click, call_id, dialect, account)
                if has_call is None:
                    self._note_doubt(call_id, reason)
                if has_call is not False:
                    return
            refused = self._event(
                click,
                REFUSED,
                disposition=FAILED,
                said=reason,
                failure=failure_of(error),
                at=_now(),
            )
            self._add_to_click(click, call_id, refused)
            raise UserError(reason) from error
        if ref and ref != click.ref:
            self._add_to_click(click, call_id, self._event(click, CLICKED, ref=ref))

    def _has_call(self, click, call_id, dialect, account):
        """Tell whether the PBX dials although it did not say so; ``None``: unknown."""
        if not click.ref:
            return None
        account = dataclasses.replace(account, patience=CHECK_SECONDS)
        try:
            if dialect.has_call(account, click.ref):
                return True
        except (errors.PbxError, dialects.NotOffered):
            return None

        # It may have rung and be over by now: then there are events of it.
        def has_events(env):
            facts = CallFacts.from_json(env["pbx.call"].browse(call_id).facts)
            return any(event.kind != CLICKED for event in facts.events)

        return in_own_transaction(self.env, has_events, user=SUPERUSER_ID)

    def _add_to_click(self, click, call_id, event):
        """Add a fact to the call, in a transaction of its own."""
        settings = self._settings(click)
        try:
            in_own_transaction(
                self.env,
                lambda env: CallLog(env, settings).add_to_click(call_id, event),
            )
        except CONFLICTS:
            # Its own events say the same, a moment later.
            _logger.warning("Cloud PBX %s: call %s not updated", settings.id, call_id)

    def _note_doubt(self, call_id, reason):
        """Nobody knows whether the PBX has taken it: it may ring in a moment."""
        doubt = self.env._(
            "The PBX may or may not be dialling: wait a moment to see if your phone "
            "rings. %s",
            reason,
        )
        # As the superuser: a line in the call's own chatter, by Odoo itself.
        in_own_transaction(
            self.env,
            lambda env: env["pbx.call"].browse(call_id)._message_log(body=doubt),
            user=SUPERUSER_ID,
        )
        self.env["pbx.notifier"]._dial_in_doubt(self.env.user, call_id, doubt)

    # --------------------------------------------------------------------- parts

    @staticmethod
    def _settings(click):
        return click.provider._settings(click.provider.id)

    @staticmethod
    def _event(click, kind, ref="", **more):
        """Return what we know of a click, as an event."""
        return CallEvent(
            kind=kind,
            ref=ref,
            direction=OUTBOUND,
            called=click.number,
            extension=click.phone._identity(),
            **{"received_at": _now(), **more},
        )


def _is_call_back(click):
    """Tell whether the number of a call-back is dialled from it."""
    record = click.record
    return (
        record is not None
        and record._name == "pbx.promise"
        and numbers.canonical(record.number) == numbers.canonical(click.number)
    )


def _now():
    return datetime.now(UTC).replace(tzinfo=None)


def _may_have_arrived(error):
    """Tell whether the PBX may dial although it did not say so."""
    if isinstance(error, errors.Unreachable):
        return error.sent
    return isinstance(error, errors.BadAnswer | errors.TooLarge)
