"""Before a number is dialled: what cannot succeed is refused with a reason."""

import contextlib
import dataclasses
import math
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ...telephony import dialect as dialects
from ...telephony import errors, numbers
from ..tools.companies import of_all_companies
from ..tools.transactions import CONFLICTS
from .dial import Click, PrepaidWire

# Seconds for which a phone that was online is taken to be so still.
ONLINE_SECONDS = 60
# Seconds to wait for an answer that only helps to say sooner that it will not work.
PATIENCE = 3
# What the PBX dials: E.164, without the shortest ones.
MIN_DIGITS = 7
_RANK = {"online": 0, "unknown": 1, "offline": 2}


class PbxCall(models.Model):
    _inherit = "pbx.call"

    # ------------------------------------------------------------ who, whom, from where

    @api.model
    @api.readonly
    def dial_lines(self):
        """Return the numbers that can be shown to those who are called.

        :return: ``[{"id", "number", "name"}]``, the usual one first; ``id`` is what
            :meth:`dial` takes as ``line``.
        """
        self = of_all_companies(self)
        phones = self._phones()
        lines = self._lines(phones[:1])
        # sudo: what our own lines are called, for those who call through them
        names = {
            line.number: line.name
            for line in self.env["pbx.line"]
            .sudo()
            .search([("provider_id", "in", phones[:1].provider_id.ids)])
        }
        return [
            {
                "id": line.id,
                "number": line.caller_id,
                "name": names.get(line.caller_id) or numbers.readable(line.caller_id),
            }
            for line in lines
        ]

    def _phones(self, company=None):
        """Return the phones of this user, the one to be rung first."""
        if not self.env.user.has_group("cloud_pbx.group_pbx_user"):
            raise AccessError(
                self.env._(
                    "You cannot call from Odoo. Ask an administrator to make you an "
                    "agent of the cloud PBX."
                )
            )
        company = company or self.env.company
        chosen = self.env.user.pbx_dial_extension_id
        phones = self.env["pbx.extension"].search([("user_ids", "in", self.env.uid)])
        return phones.filtered("provider_id.active").sorted(
            lambda phone: (
                not phone.provider_id.is_running,
                phone != chosen,
                phone.company_id != company,
                _RANK[phone.status],
                len(phone.user_ids) > 1,
                phone.number,
            )
        )

    def _lines(self, phone):
        """Return one extension for each number that can be shown, ``phone`` first."""
        if not phone:
            return phone
        others = self.env["pbx.extension"].search(
            [("provider_id", "=", phone.provider_id.id), ("caller_id", "!=", False)],
            order="number",
        )
        others = others.sorted(
            lambda line: (line != phone, self.env.user not in line.user_ids)
        )
        return self.env["pbx.extension"].union(
            *(same[0] for same in others.grouped("caller_id").values())
        )

    def _read_click(self, number, res_model, res_id, line):
        """Return the :class:`Click` that is asked for; nothing is asked of the PBX."""
        record = self._record_to_call(res_model, res_id)
        # sudo: to which company it belongs decides only which phone rings
        company = record and "company_id" in record and record.sudo().company_id
        phones = self._phones(company)
        if not phones:
            raise UserError(
                self.env._(
                    "You have no internal number here. An administrator enters it in "
                    "your user's form, on the page “IP telephony”."
                )
            )
        phone = phones[0]
        if not phone.provider_id.is_running:
            raise UserError(
                self.env._(
                    "The cloud PBX “%s” is switched off: nobody is entered under “Run "
                    "as”.",
                    phone.provider_id.name,
                )
            )
        number = self._read_number(number, record, phone)
        click = Click(phone, number, self._read_line(line, phone))
        if record is None or record._name not in ("res.partner", "crm.lead"):
            return click
        return dataclasses.replace(click, **self._whom(record, click))

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
        """Return E.164 for what was typed; national forms in the record's country."""
        typed = number.strip() if isinstance(number, str) else ""
        settings = phone.provider_id._settings(phone.provider_id.id)
        # sudo: in which country a number is read, nothing else
        own = record.sudo()._phone_get_country().get(record.id) if record else None
        countries = [own.code] if own else []
        for country in (*countries, *settings.countries, None):
            found = numbers.to_e164(typed, country)
            if numbers.is_possible(found) and len(found) > MIN_DIGITS:
                return found
        if numbers.is_extension(typed):
            raise UserError(
                self.env._(
                    "“%s” is a short number. The PBX takes only whole phone numbers "
                    "from here: dial it on your phone.",
                    typed,
                )
            )
        raise UserError(
            self.env._(
                "“%s” cannot be read as a phone number. Enter it with its country "
                "code, such as +44 20 7946 0201.",
                typed,
            )
        )

    def _read_line(self, line, phone):
        """Return the extension whose number is to be shown, ``""`` for the phone's."""
        if not line:
            return ""
        lines = self._lines(phone)
        if isinstance(line, str):
            wanted = numbers.from_pbx(line)
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
        return "" if chosen.caller_id == phone.caller_id else chosen.number

    def _whom(self, record, click):
        """Return contact and lead of a call about ``record``, if it has the number."""
        settings = click.provider._settings(click.provider.id)
        lead = record if record._name == "crm.lead" else None
        # sudo: the contact of a lead that the user may read
        partner = lead.sudo().partner_id if lead else record
        theirs = (
            self._has_number(one, click.number, settings)
            for one in (partner, lead)
            if one
        )
        if not any(theirs):
            return {}
        return {
            name: one
            for name, one in (("partner", partner), ("lead", lead))
            if one and (one.company_id.id or False) in (False, *settings.company_ids)
        }

    def _has_number(self, record, number, settings):
        return record.phone_sanitized == number or numbers.same_number(
            number, record.phone or "", record.country_id.code, settings.countries
        )

    # ------------------------------------------------------------------ can it succeed

    def _check_click(self, click):
        """Refuse what cannot succeed; return a wire on which one question is free."""
        self._check_number(click)
        dialect, account = click.provider._open_api(urgent=True)
        account = dataclasses.replace(account, patience=PATIENCE)
        try:
            self._check_phone(click, dialect, account)
            self._check_money(click, dialect, account)
            return PrepaidWire(account.wire)
        except errors.PbxError as error:
            raise UserError(click.provider._explain(error)) from error

    def _check_number(self, click):
        """Refuse our own numbers, and those that are not to be called."""
        settings = click.provider._settings(click.provider.id)
        # sudo: our own lines and extensions, whoever may see them
        own = self.env["pbx.directory"].sudo()._is_own(settings, click.number)
        readable = numbers.readable(click.number)
        if own:
            raise UserError(
                self.env._("%s is one of your own numbers at the PBX.", readable)
            )
        spellings = list({click.number, numbers.canonical(click.number)})
        # sudo: what is on that list is asked, nothing of it is shown
        blacklist = self.env["phone.blacklist"].sudo()
        if blacklist.search_count([("number", "in", spellings)], limit=1):
            raise UserError(
                self.env._(
                    "%s is on the phone blacklist: its owner does not want to be "
                    "called.",
                    readable,
                )
            )

    def _check_phone(self, click, dialect, account):
        """Refuse if no phone is registered; that this is not known is no reason."""
        phone = click.phone
        since = fields.Datetime.now() - timedelta(seconds=ONLINE_SECONDS)
        asked = phone.checked_at and phone.checked_at > since
        if asked and phone.status == "online":
            return
        try:
            online = dialect.fetch_online(account, phone.number)
        except (dialects.NotOffered, *_NO_ANSWER):
            return
        except (errors.NotFound, errors.BadParameter) as error:
            raise UserError(
                self.env._(
                    "The PBX does not know your internal number %(number)s (%(said)s).",
                    number=phone.number,
                    said=error.detail,
                )
            ) from error
        self._keep_in_own_transaction(phone, "_set_online", online)
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
        except (dialects.NotOffered, ValueError, *_NO_ANSWER):
            return
        self._keep_in_own_transaction(provider_sudo, "_note_balance", balance)
        if math.isfinite(amount) and amount <= 0:
            raise UserError(provider_sudo._explain(errors.NoMoney()))

    def _keep_in_own_transaction(self, record, method, value):
        """Keep what the PBX has just told, whatever becomes of the request."""
        # Somebody else notes the same in this moment: one of them is enough.
        with contextlib.suppress(*CONFLICTS), self.env.registry.cursor() as cr:
            # sudo: what the PBX tells, the user only asked
            getattr(record.with_env(self.env(cr=cr)).sudo(), method)(value)


# Whoever does not answer this may still dial; wrong keys and limits hold for both.
_NO_ANSWER = (errors.Unreachable, errors.BadAnswer, errors.TooLarge)
