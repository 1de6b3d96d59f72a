from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools.sql import column_exists, create_column

from ..call.lines import OF_UTM
from ..tools.transactions import lock_rows
from . import pbx_caller_mixin  # noqa: F401  (the model that is inherited comes first)

# In the context: a lead that has another number than its contact does not correct that.
KEEP_CONTACT_PHONE = "pbx_keep_contact_phone"
# Where a lead came from: only calls say that.
LINKS = frozenset(("pbx_call_id", "pbx_line_id", "pbx_automatic"))
# Leads that came from one call: one, and those of people who do not see that one.
MAX_OF_CALL = 10


class CrmLead(models.Model):
    _name = "crm.lead"
    _inherit = ["crm.lead", "pbx.caller.mixin"]

    pbx_call_ids = fields.One2many(
        "pbx.call", "lead_id", string="Calls", groups="cloud_pbx.group_pbx_user"
    )
    pbx_call_id = fields.Many2one(
        "pbx.call",
        string="First call",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        groups="cloud_pbx.group_pbx_user",
        help="The call that this lead came from.",
    )
    pbx_line_id = fields.Many2one(
        "pbx.line",
        string="Line",
        compute="_compute_pbx_line_id",
        # Of the call, whoever may see that.
        compute_sudo=True,
        store=True,
        index="btree_not_null",
        ondelete="set null",
        groups="cloud_pbx.group_pbx_user",
        help="Under which of our lines its first call came.",
    )
    pbx_automatic = fields.Selection(
        [
            ("made", "Made by a call"),
            ("spam", "Archived as spam"),
            ("taken", "A person works on it"),
        ],
        string="Made by a call",
        readonly=True,
        copy=False,
        groups=fields.NO_ACCESS,
    )
    # Not shown to anybody: what Odoo recomputes when a number or a country changes.
    pbx_number_ids = fields.One2many(
        "pbx.phone.number",
        "lead_id",
        string="Numbers it is found by",
        compute="_compute_pbx_number_ids",
        store=True,
        groups=fields.NO_ACCESS,
    )

    def _auto_init(self):
        # No lead has come from a call before: nothing to compute for a million of them.
        if not column_exists(self.env.cr, self._table, "pbx_line_id"):
            create_column(self.env.cr, self._table, "pbx_line_id", "int4")
        return super()._auto_init()

    # Not the call's line: each call would then look for leads of its own.
    @api.depends("pbx_call_id")
    def _compute_pbx_line_id(self):
        for lead in self:
            lead.pbx_line_id = lead.pbx_call_id.line_id

    @api.depends("pbx_call_ids")
    def _compute_pbx_call_count(self):
        counts = dict(
            self.env["pbx.call"]._read_group(
                [("lead_id", "in", self.ids)], ["lead_id"], ["__count"]
            )
        )
        for lead in self:
            lead.pbx_call_count = counts.get(lead, 0)

    def _pbx_call_domain(self):
        return [("lead_id", "in", self.ids)]

    def _pbx_promise_domain(self):
        return [
            "|",
            ("lead_id", "in", self.ids),
            ("partner_id", "in", self.partner_id.ids),
        ]

    def _has_pbx_promise(self, promise):
        if promise.lead_id:
            return promise.lead_id == self._origin
        return bool(self.partner_id) and promise.partner_id == self.partner_id._origin

    # ------------------------------------------------------------------- CRUD

    @api.model_create_multi
    def create(self, vals_list):
        call_ids = [vals.get("pbx_new_from_call_id") for vals in vals_list]
        for vals in vals_list:
            self._check_pbx_links(vals)
        leads = super(CrmLead, self._without_default_links()).create(vals_list)
        self.env["pbx.call"]._adopt_created(leads, call_ids)
        return leads

    def _check_pbx_links(self, vals):
        """Refuse what only calls say: the names of others' calls would be shown."""
        if not self.env.su and LINKS.intersection(vals):
            raise AccessError(
                self.env._("From which call a lead came cannot be changed by hand.")
            )

    def _without_default_links(self):
        """Leave out the same as defaults: a list that is grouped by line sends them."""
        if self.env.su:
            return self
        defaults = {f"default_{name}" for name in LINKS}
        kept = {
            key: value for key, value in self.env.context.items() if key not in defaults
        }
        return self.with_env(self.env(context=kept))

    @api.model
    def _line_is_known(self, call):
        """The line of a call is told after a lead was created from it.

        What the lead has already stays.
        """
        leads = self.with_context(active_test=False)
        for lead in leads.search([("pbx_call_id", "=", call.id)], limit=MAX_OF_CALL):
            known = {"pbx_line_id": call.line_id.id}
            known.update({name: call[name].id for name in OF_UTM})
            missing = {
                name: value for name, value in known.items() if value and not lead[name]
            }
            if missing:
                lock_rows(lead, "NO KEY UPDATE")
                lead.write(missing)

    def _came_from(self, call):
        """Note the call from whose form, or card, a person created this lead."""
        self.ensure_one()
        # sudo: which call it is, that this person may see, and where its line is known
        call_sudo = call.sudo()
        values = {name: call_sudo[name].id for name in OF_UTM}
        call_sudo.write({"lead_verdict": "lead"})
        self.sudo().write(
            {
                "pbx_call_id": call.id,
                **{name: value for name, value in values.items() if not self[name]},
            }
        )

    def _inverse_phone(self):
        # Of a contact that calls from another number too, its own number stays.
        if self.env.context.get(KEEP_CONTACT_PHONE):
            return None
        return super()._inverse_phone()

    def _taken_up(self):
        """A person works on these leads: no machine removes them any more."""
        # sudo: a mark that nobody sees
        made = self.sudo().filtered(lambda lead: lead.pbx_automatic in ("made", "spam"))
        if made:
            made.pbx_automatic = "taken"

    def write(self, vals):
        self._check_pbx_links(vals)
        if not self.env.su:
            self._taken_up()
        result = super().write(vals)
        if vals.get("partner_id"):
            self._pass_contact_to_calls()
        return result

    def unlink(self):
        calls = self._pbx_calls_sudo()
        result = super().unlink()
        self.env["pbx.rematch"]._request(calls)
        return result

    # ----------------------------------------------------------- what follows

    @api.model
    def _call_merged(self, gone, kept):
        """Leads that came from the call ``gone`` came from ``kept``."""
        leads = self.with_context(active_test=False)
        leads.search([("pbx_call_id", "=", gone.id)]).pbx_call_id = kept

    def _pbx_calls_sudo(self, *conditions):
        """Return the calls linked to these leads, those that nobody may see as well."""
        # sudo: what becomes of a call does not depend on who may see it
        calls = self.env["pbx.call"].sudo().with_context(tracking_disable=True)
        return calls.search([("lead_id", "in", self.ids), *conditions])

    def _pass_contact_to_calls(self):
        """Link the leads' contact to those of their calls that have none.

        Where a person emptied the contact it stays empty.
        """
        waiting = self._pbx_calls_sudo(
            ("partner_id", "=", False),
            "|",
            ("partner_source", "=", False),
            ("partner_source", "!=", "picked"),
        )
        for lead, calls in waiting.grouped("lead_id").items():
            company = lead.partner_id.company_id
            fitting = calls.filtered(
                lambda call, company=company: (
                    not company
                    or company.id
                    in call.provider_id._settings(call.provider_id.id).company_ids
                )
            )
            fitting.write({"partner_id": lead.partner_id.id, "partner_source": "lead"})

    def _merge_dependences(self, opportunities):
        result = super()._merge_dependences(opportunities)
        opportunities._pbx_calls_sudo().write({"lead_id": self.id})
        # sudo: what becomes of a call-back does not depend on who may see it
        promises = self.env["pbx.promise"].sudo().with_context(tracking_disable=True)
        promises.search([("lead_id", "in", opportunities.ids)]).lead_id = self.id
        # sudo: likewise the call that it all began with
        all_sudo = (self | opportunities).sudo()
        first = all_sudo.pbx_call_id.sorted(lambda call: (call.start, call.id))[:1]
        if first != self.sudo().pbx_call_id:
            self.sudo().pbx_call_id = first
        self.env["pbx.call"]._record_merged(opportunities, self)
        return result
