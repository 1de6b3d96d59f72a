"""What the screens show of calls and events, and nothing else reads."""

import json

from markupsafe import Markup

from odoo import api, fields, models
from odoo.fields import Domain

from ...telephony import numbers


class PbxCall(models.Model):
    _inherit = "pbx.call"

    line_readable = fields.Char(
        string="Our line",
        compute="_compute_line_readable",
        search="_search_line_readable",
        help="Which of our numbers was called, or was shown.",
    )
    number_country_id = fields.Many2one(
        "res.country", string="Country of the number", compute="_compute_number_country"
    )
    number_flag = fields.Char(string="Flag", compute="_compute_number_country")
    lead_contact = fields.Char(
        string="Name in the lead", compute="_compute_lead_contact", compute_sudo=True
    )
    has_candidates = fields.Boolean(compute="_compute_has_candidates")

    @api.depends("line")
    def _compute_line_readable(self):
        for call in self:
            call.line_readable = numbers.readable(call.line)

    @api.model
    def _search_line_readable(self, operator, value):
        """Find a line in whatever style its number is typed."""
        domain = self._search_number_readable(operator, value)
        if domain is NotImplemented:
            return domain
        return domain.map_conditions(
            lambda condition: Domain("line", condition.operator, condition.value)
        )

    @api.depends("number")
    def _compute_number_country(self):
        codes = {call: numbers.country_of(call.number) for call in self}
        countries = self.env["res.country"].search(
            [("code", "in", [code for code in set(codes.values()) if code])]
        )
        by_code = {country.code: country for country in countries}
        for call in self:
            call.number_country_id = by_code.get(codes[call], False)
            call.number_flag = call.number_country_id.image_url

    @api.depends("lead_id.contact_name", "lead_id.partner_name", "lead_id.name")
    def _compute_lead_contact(self):
        for call in self:
            lead = call.lead_id
            call.lead_contact = lead.contact_name or lead.partner_name or lead.name

    @api.depends("candidate_ids")
    def _compute_has_candidates(self):
        for call in self:
            call.has_candidates = bool(call.candidate_ids)

    @api.model
    def get_empty_list_help(self, help_message):
        """Say what to do next: another thing to each who may see an empty list."""
        title, text = self._empty_list_words()
        return super().get_empty_list_help(
            Markup('<p class="o_view_nocontent_smiling_face">%s</p><p>%s</p>')
            % (title, text)
        )

    @api.model
    def _empty_list_words(self):
        user = self.env.user
        is_admin = user.has_group("base.group_system")
        # sudo: whether there is one at all is no secret
        providers = (
            self.env["pbx.provider"]
            .sudo()
            .search_count([("company_id", "in", self.env.companies.ids)], limit=1)
        )
        if not providers and is_admin:
            return self.env._("Connect your cloud PBX"), Markup(
                '%s <a href="/odoo/cloud-pbx/new">%s</a>'
            ) % (
                self.env._(
                    "From then on every call is written down here, with the right "
                    "contact. It takes two keys and a minute."
                ),
                self.env._("Connect a cloud PBX"),
            )
        if not providers:
            return (
                self.env._("No cloud PBX is connected yet"),
                self.env._("Ask your administrator to connect one."),
            )
        is_supervisor = user.has_group("cloud_pbx.group_pbx_manager")
        if not is_supervisor and not user.pbx_extension_ids:
            return (
                self.env._("Your calls will be here"),
                self.env._(
                    "No internal number is yours yet. Ask your administrator to enter "
                    "it in your user, on the tab “IP telephony”."
                ),
            )
        if is_admin:
            return self.env._("No calls here"), Markup(
                '%s <a href="/odoo/cloud-pbx">%s</a>'
            ) % (
                self.env._(
                    "Call one of your lines: the call is here before you hang up. "
                    "Nothing comes? Open the cloud PBX and press “Check”."
                ),
                self.env._("Cloud PBXs"),
            )
        return (
            self.env._("No calls here"),
            self.env._(
                "When your phone rings, or you dial, the call is written down here by "
                "itself."
            ),
        )


class PbxEvent(models.Model):
    _inherit = "pbx.event"

    payload_readable = fields.Text(
        string="Received contents", compute="_compute_payload_readable"
    )

    @api.depends("payload")
    def _compute_payload_readable(self):
        for event in self:
            try:
                told = json.loads(event.payload or "")
            except ValueError:
                # Empty, or not JSON: a person reads it as it is.
                event.payload_readable = event.payload
            else:
                event.payload_readable = json.dumps(told, indent=2, ensure_ascii=False)
