from datetime import UTC
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL, ormcache

from ...telephony import beginnings, numbers
from .. import pbx_remembered  # noqa: F401  (the model that is inherited comes first)

# Of a beginning, at the least.
LEAST_DIGITS = 4


class PbxBlocked(models.Model):
    """A number, or a beginning of numbers, whose calls are refused."""

    _name = "pbx.blocked"
    _description = "Blocked number"
    _inherit = ["pbx.remembered"]
    _order = "number, id"
    _rec_name = "number_readable"
    _rec_names_search = ["number", "reason"]

    company_id = fields.Many2one(
        "res.company",
        required=True,
        default=lambda self: self.env.company,
        ondelete="cascade",
    )
    number = fields.Char(
        required=True,
        help="As it is written in your country, or in international form. All numbers "
        "that begin alike: the beginning with * at its end, such as +4479*.",
    )
    number_readable = fields.Char(
        string="Phone number", compute="_compute_number_readable"
    )
    reason = fields.Char()
    until = fields.Date(help="The last day on which it is blocked. Empty: for good.")
    active = fields.Boolean(default=True)

    _number_uniq = models.UniqueIndex(
        "(company_id, number) WHERE active", "This number is blocked already."
    )

    @api.depends("number")
    def _compute_number_readable(self):
        for blocked in self:
            number = blocked.number or ""
            is_start = number.endswith("*")
            blocked.number_readable = number if is_start else numbers.readable(number)

    # ----------------------------------------------------------------------- typed

    @api.model
    def _read_typed(self, typed, company):
        """Return a number, or a beginning, as it is kept: E.164, perhaps with ``*``.

        :param typed: as people write it; national forms in the company's country.
        :raises ValidationError: it is no number, or its beginning is too short.
        """
        # sudo: the countries in which the company's PBXs read numbers
        providers = self.env["pbx.provider"].sudo()
        providers = providers.search([("company_id", "=", company.id)])
        codes = [one.country_id.code for one in providers] + [company.country_id.code]
        countries = tuple(dict.fromkeys(filter(None, codes)))
        text = numbers.ascii_text(typed)
        if text.endswith("*") and numbers.is_plain(text[:-1]):
            return self._read_beginning(text[:-1], countries)
        if "*" in text or not numbers.digits(text):
            raise self._unreadable(text)
        reading = numbers.dialable(text, None, countries)
        number = reading.number and numbers.canonical(reading.number)
        number = number or numbers.from_pbx(text, *countries[:1])
        if not number.startswith("+"):
            raise self._unreadable(text)
        return number

    def _unreadable(self, text):
        return ValidationError(
            self.env._("“%s” is no phone number that Odoo can read.", text)
        )

    def _read_beginning(self, text, countries):
        self._check_length(text, text)
        found = beginnings.read(text, countries)
        if not found.number:
            raise ValidationError(
                self.env._(
                    "Enter the beginning in international form, such as %(example)s: "
                    "“%(text)s”.",
                    example=f"{found.example}*",
                    text=f"{text}*",
                )
            )
        self._check_length(found.number, f"{found.number}*")
        return f"{found.number}*"

    def _check_length(self, beginning, text):
        if len(numbers.digits(beginning)) < LEAST_DIGITS:
            raise ValidationError(
                self.env._(
                    "Enter at least %(count)s digits before the *: “%(text)s”.",
                    count=LEAST_DIGITS,
                    text=text,
                )
            )

    @api.onchange("number")
    def _onchange_number(self):
        """Show how a number is read, before it is saved."""
        if not self.number:
            return None
        company = self.company_id or self.env.company
        try:
            self.number = self._read_typed(self.number, company)
        except ValidationError as error:
            # It stays as it was typed, to be corrected.
            return {"warning": {"message": error.args[0], "type": "notification"}}
        return None

    @api.model_create_multi
    def create(self, vals_list):
        companies = self.env["res.company"]
        vals_list = [
            {
                **vals,
                "number": self._read_typed(
                    vals["number"],
                    companies.browse(vals.get("company_id")) or self.env.company,
                ),
            }
            if "number" in vals
            else vals
            for vals in vals_list
        ]
        return super().create(vals_list)

    def write(self, vals):
        if "number" in vals:
            companies = self.env["res.company"].browse(vals.get("company_id"))
            companies = companies or self.company_id
            if len(companies) > 1:
                raise UserError(self.env._("Change one number at a time."))
            vals = {**vals, "number": self._read_typed(vals["number"], companies)}
        return super().write(vals)

    # --------------------------------------------------------------------- look-up

    @api.model
    @ormcache("company_id")
    def _zone_if_any(self, company_id):
        """Return the zone in whose days a company's blocked numbers end, ``""`` if it
        has none: without a query mostly."""
        # sudo: that there is one, and a time zone, for the code that answers a PBX
        if not self.sudo().search_count([("company_id", "=", company_id)], limit=1):
            return ""
        company_sudo = self.env["res.company"].sudo().browse(company_id)
        return company_sudo.resource_calendar_id.tz or "UTC"

    @api.model
    def _condition(self, company_id, number, made_before=None):
        """Return the SQL condition that ``number`` is blocked.

        :param str number: E.164, ``""`` if withheld, which nobody can block.
        :param datetime made_before: UTC; what was blocked later does not count, nor
            what had ended by then.
        """
        zone = number and self._zone_if_any(company_id)
        if not zone:
            return SQL("FALSE")
        # Whoever typed the beginning may have meant another spelling of the number.
        names = {number, *numbers.spellings(number)}
        for spelling in tuple(names):
            ends = range(1 + LEAST_DIGITS, len(spelling) + 1)
            names.update(f"{spelling[:end]}*" for end in ends)
        self.flush_model(["company_id", "number", "until", "active"])
        at = (made_before or fields.Datetime.now()).replace(tzinfo=UTC)
        return SQL(
            """EXISTS (SELECT FROM pbx_blocked blocked
                        WHERE blocked.company_id = %s AND blocked.active
                          AND blocked.number = ANY(%s)
                          AND (blocked.until IS NULL OR blocked.until >= %s) %s)""",
            company_id,
            sorted(names),
            at.astimezone(ZoneInfo(zone)).date(),
            SQL("AND blocked.create_date <= %s", made_before) if made_before else SQL(),
        )

    @api.model
    def _is_blocked(self, company_id, number, made_before=None):
        """Tell whether ``number`` is blocked; see :meth:`_condition`."""
        if not number or not self._zone_if_any(company_id):
            return False
        condition = self._condition(company_id, number, made_before)
        return self.env.execute_query(SQL("SELECT %s", condition))[0][0]
