from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.modules.db import FunctionStatus

from . import pbx_caller_mixin  # noqa: F401  (the model that is inherited comes first)
from .pbx_phone_number import with_phone

# Besides its numbers: changes by which a contact may get other callers.
MATCHED_FIELDS = {"parent_id", "active", "company_id"}
LAST_CALLS = 10
# What Odoo looks for a contact's name in, which has no index for parts of texts.
NAMED_IN = ("complete_name", "email", "ref", "vat", "company_registry")


def _names_index(registry):
    """Return the definition of the index by which parts of names are found.

    In all of the columns: where one has no index, PostgreSQL reads all contacts. None
    where PostgreSQL cannot have it, as with Odoo's own ones.
    """
    if not registry.has_trigram or registry.has_unaccent == FunctionStatus.PRESENT:
        return ""
    columns = (f"({registry.unaccent(name)}) gin_trgm_ops" for name in NAMED_IN)
    return f"USING gin ({', '.join(columns)})"


class ResPartner(models.Model):
    _name = "res.partner"
    _inherit = ["res.partner", "pbx.caller.mixin"]

    # Callers are looked up by it; nothing else in Odoo indexes it.
    phone_sanitized = fields.Char(index="btree_not_null")
    pbx_call_ids = fields.One2many(
        "pbx.call", "partner_id", string="Calls", groups="cloud_pbx.group_pbx_user"
    )
    pbx_last_call_ids = fields.Many2many(
        "pbx.call",
        string="Last calls",
        compute="_compute_pbx_last_call_ids",
        groups="cloud_pbx.group_pbx_user",
    )

    pbx_candidate_name = fields.Char(
        string="Name among several",
        compute="_compute_pbx_candidate_name",
        exportable=False,
        groups="cloud_pbx.group_pbx_user",
    )

    # Not shown to anybody: what Odoo recomputes when a number or a country changes.
    pbx_number_ids = fields.One2many(
        "pbx.phone.number",
        "partner_id",
        string="Numbers it is found by",
        compute="_compute_pbx_number_ids",
        store=True,
        groups=fields.NO_ACCESS,
    )

    # An agent sees the calls of their own customers.
    _pbx_user_idx = models.Index("(user_id, id) WHERE user_id IS NOT NULL")
    # Calls are searched by whom they were with.
    _pbx_names_idx = models.Index(_names_index)

    @api.depends("complete_name", "active")
    @api.depends_context("lang")
    def _compute_pbx_candidate_name(self):
        for partner in self:
            name = partner.name or partner.display_name or ""
            partner.pbx_candidate_name = (
                name if partner.active else self.env._("archived: %s", name)
            )

    def _compute_pbx_call_count(self):
        self.pbx_call_count = 0
        saved = self.filtered("id")
        if not saved:
            return
        family = self.with_context(active_test=False).search_fetch(
            [("id", "child_of", saved.ids)], ["parent_id"]
        )
        counts = self.env["pbx.call"]._read_group(
            [("partner_id", "in", family.ids)], ["partner_id"], ["__count"]
        )
        wanted = set(saved.ids)
        for partner, count in counts:
            # A company sees the calls of its contacts.
            while partner:
                if partner.id in wanted:
                    self.browse(partner.id).pbx_call_count += count
                partner = partner.parent_id

    @api.depends_context("uid", "company")
    def _compute_pbx_last_call_ids(self):
        for partner in self:
            partner.pbx_last_call_ids = self.env["pbx.call"].search(
                partner._pbx_call_domain(), limit=LAST_CALLS
            )

    def _pbx_call_domain(self):
        family = self.with_context(active_test=False).search(
            [("id", "child_of", self.ids)]
        )
        return [("partner_id", "in", family.ids)]

    def _pbx_promise_domain(self):
        return [("partner_id", "child_of", self.ids)]

    def _has_pbx_promise(self, promise):
        # sudo: whose contact the caller is, of a call-back that the user sees
        partner = promise.sudo().partner_id
        while partner:
            # A company sees whom to call back among its contacts.
            if partner == self._origin:
                return True
            partner = partner.parent_id
        return False

    def action_pbx_pick(self):
        """“This is who called”: chosen among several from a call's form."""
        self.ensure_one()
        call = self.env["pbx.call"].browse(self.env.context.get("pbx_call_id")).exists()
        if not call:
            raise UserError(self.env._("Open the call again: it is no longer there."))
        call._pick(self)
        return True

    # ------------------------------------------------------------------- CRUD

    @api.model_create_multi
    def create(self, vals_list):
        call_ids = [vals.get("pbx_new_from_call_id") for vals in vals_list]
        partners = super().create(vals_list)
        self.env["pbx.call"]._adopt_created(partners, call_ids)
        return partners

    def write(self, vals):
        result = super().write(vals)
        if MATCHED_FIELDS.intersection(vals):
            self.env["pbx.rematch"]._request(with_phone(self))
        return result

    def unlink(self):
        # Another contact with the same number may now be its only one.
        others = self.env["pbx.phone.number"]._others_with_numbers_of(self)
        # sudo: what becomes of a call does not depend on who may see it
        calls = self.env["pbx.call"].sudo().search([("partner_id", "in", self.ids)])
        result = super().unlink()
        # A choice of somebody who is gone is no choice.
        calls.with_context(tracking_disable=True).write({"partner_source": False})
        self.env["pbx.rematch"]._request(others)
        self.env["pbx.rematch"]._request(calls)
        return result
