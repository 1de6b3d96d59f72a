from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...telephony import routing
from .. import pbx_remembered  # noqa: F401  (the model that is inherited comes first)

# What the PBX does at the end, if it is none of its own targets.
HANGUP = "hangup"


class PbxMenu(models.Model):
    """A spoken menu: the caller presses a key, and Odoo says where that leads."""

    _name = "pbx.menu"
    _description = "Phone menu"
    _inherit = ["pbx.remembered"]
    _order = "provider_id, name, id"
    _check_company_auto = True

    name = fields.Char(required=True)
    provider_id = fields.Many2one(
        "pbx.provider",
        string="Cloud PBX",
        required=True,
        index=True,
        ondelete="cascade",
        domain=[("can_answer_routing", "=", True)],
        default=lambda self: self._default_provider(),
    )
    company_id = fields.Many2one(related="provider_id.company_id", store=True)
    sound = fields.Char(
        required=True,
        help="The ID that the sound manager of the PBX shows for the announcement.",
    )
    timeout = fields.Integer(
        string="Waits for (seconds)", default=5, help="For a key, each time."
    )
    attempts = fields.Integer(default=2, help="How often the announcement is played.")
    digits = fields.Integer(
        string="Number of keys", default=1, help="How many at most."
    )
    default_target = fields.Char(
        string="If nothing fits",
        default=HANGUP,
        required=True,
        help="Where the PBX sends a caller who presses no key, or one without a "
        "choice, or whom nobody can take: one of its own targets, or “hangup”.",
    )
    choice_ids = fields.One2many(
        "pbx.menu.choice", "parent_id", string="Choices", copy=True
    )

    _checked_numbers = models.Constraint(
        "CHECK(timeout >= 1 AND attempts >= 1 AND digits >= 1)",
        "Enter at least one second, one attempt and one key.",
    )

    @api.model
    def _default_provider(self):
        providers = self.env["pbx.provider"].search(
            [("company_id", "in", self.env.companies.ids)]
        )
        providers = providers.filtered("can_answer_routing")
        return providers if len(providers) == 1 else False

    @api.constrains("default_target", "provider_id")
    def _check_default_target(self):
        for menu in self.filtered(lambda one: one.default_target != HANGUP):
            menu.provider_id._check_target(menu.default_target)

    @api.constrains("provider_id")
    def _check_choices(self):
        self.choice_ids._check_target()

    @api.constrains("digits", "choice_ids")
    def _check_digits(self):
        for choice in self.choice_ids:
            if len(choice.digits) > choice.parent_id.digits:
                raise ValidationError(
                    self.env._(
                        "“%(digits)s” has more keys than %(menu)s takes: %(count)s.",
                        digits=choice.digits,
                        menu=choice.parent_id.name,
                        count=choice.parent_id.digits,
                    )
                )

    def _plain(self):
        """Return it as a :class:`~...telephony.routing.Menu`."""
        self.ensure_one()
        return routing.Menu(
            id=self.id,
            name=self.name,
            sound=self.sound,
            timeout=self.timeout,
            attempts=self.attempts,
            digits=self.digits,
            default=self.default_target,
            choices=tuple(
                routing.Choice(choice.id, choice.digits, choice._plain_target())
                for choice in self.choice_ids
            ),
        )
