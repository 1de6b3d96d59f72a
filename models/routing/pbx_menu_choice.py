import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from . import pbx_target  # noqa: F401  (the model that is inherited comes first)

_KEYS = re.compile(r"[0-9*#]+")


class PbxMenuChoice(models.Model):
    """What a key of a menu does. Its ``menu_id`` is where it leads, if to a menu."""

    _name = "pbx.menu.choice"
    _description = "Choice of a phone menu"
    _inherit = ["pbx.target"]
    _order = "parent_id, digits, id"
    _rec_name = "digits"
    _check_company_auto = True

    parent_id = fields.Many2one(
        "pbx.menu", string="Of menu", required=True, index=True, ondelete="cascade"
    )
    provider_id = fields.Many2one(related="parent_id.provider_id")
    company_id = fields.Many2one(related="parent_id.company_id", store=True)
    digits = fields.Char(string="Key to press", required=True)
    target = fields.Selection(default="user")
    sentence = fields.Char(string="Leads to", compute="_compute_sentence")

    _digits_uniq = models.Constraint(
        "UNIQUE(parent_id, digits)", "This menu has a choice for that key already."
    )

    @api.depends("digits", "parent_id.name")
    def _compute_display_name(self):
        for choice in self:
            choice.display_name = f"{choice.parent_id.name} › {choice.digits}"

    @api.depends(
        *("target", "user_id", "extension_id", "team_id", "pbx_target", "menu_id"),
        *("days", "ring_seconds"),
    )
    @api.depends_context("lang")
    def _compute_sentence(self):
        for choice in self:
            choice.sentence = choice._target_sentence()

    @api.constrains("digits")
    def _check_keys(self):
        for choice in self:
            if not _KEYS.fullmatch(choice.digits):
                raise ValidationError(
                    self.env._("A key is one of 0–9, * and #: “%s”.", choice.digits)
                )
        self.parent_id._check_digits()
