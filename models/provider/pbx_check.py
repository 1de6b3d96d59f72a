from odoo import fields, models

from ..tools.secret_field import Secret

STEPS = [
    ("keys", "Keys"),
    ("clock", "Clock"),
    ("address", "Webhook address"),
    ("notifications", "Notifications"),
    ("extensions", "Internal numbers"),
    ("lines", "Lines"),
]


class PbxCheck(models.Model):
    """A step of connecting a cloud PBX: what came of it when it was last tried."""

    _name = "pbx.check"
    _description = "Step of connecting a cloud PBX"
    _order = "provider_id, sequence"
    _rec_name = "step"
    _log_access = False

    provider_id = fields.Many2one(
        "pbx.provider",
        string="Cloud PBX",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    sequence = fields.Integer(readonly=True)
    step = fields.Selection(STEPS, required=True, readonly=True)
    state = fields.Selection(
        [
            ("ok", "Done"),
            ("warning", "To look at"),
            ("failed", "Failed"),
            ("waiting", "Goes on by itself"),
            ("skipped", "Not tried"),
        ],
        required=True,
        readonly=True,
    )
    message = fields.Text(readonly=True)
    detail = fields.Text(readonly=True, help="What was changed.")
    at = fields.Datetime(string="Tried", readonly=True)

    _step_uniq = models.Constraint(
        "UNIQUE(provider_id, step)", "Each step is there once."
    )

    def _label(self):
        """Return the name of the step in the reader's language."""
        labels = dict(self._fields["step"]._description_selection(self.env))
        return labels[self.step]


class PbxFormerUrl(models.Model):
    """Where a PBX sent its events before it was connected to this Odoo.

    Written before the PBX is told our address, on a cursor of its own: whatever becomes
    of the rest, the address of somebody else's integration is not lost.
    """

    _name = "pbx.former.url"
    _description = "Former address at a cloud PBX"
    _order = "id desc"
    _rec_name = "id"
    _log_access = False

    provider_id = fields.Many2one(
        "pbx.provider", required=True, readonly=True, index=True, ondelete="cascade"
    )
    url = Secret(required=True, readonly=True, groups="base.group_system")
    at = fields.Datetime(required=True, readonly=True)
