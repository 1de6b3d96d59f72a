from odoo import fields, models


class PbxLine(models.Model):
    """One of our own numbers, under which a cloud PBX is called."""

    _name = "pbx.line"
    _description = "Line"
    _order = "provider_id, number"
    _rec_name = "number"
    _rec_names_search = ["number", "name"]
    _check_company_auto = True

    active = fields.Boolean(default=True)
    number = fields.Char(
        required=True, readonly=True, help="In international form, as the PBX has it."
    )
    name = fields.Char(help="Your name for this line.")
    pbx_name = fields.Char(
        "Name at the PBX", readonly=True, help="How the PBX calls it."
    )
    provider_id = fields.Many2one(
        "pbx.provider",
        string="Cloud PBX",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="provider_id.company_id", store=True)

    _number_uniq = models.Constraint(
        "UNIQUE(provider_id, number)", "This cloud PBX has that line already."
    )
    # Each caller is looked for among the own lines.
    _own_idx = models.Index("(company_id, number) WHERE active")

    def _names_of(self, calls):
        """Return ``{(provider id, number): name}`` of the lines of these calls."""
        lines = self.search(
            [
                ("provider_id", "in", calls.provider_id.ids),
                ("number", "in", [call.line for call in calls if call.line]),
            ]
        )
        return {(line.provider_id.id, line.number): line.name for line in lines}

    def _update_from_pbx(self, name):
        """Take the PBX's name of a line over, unless a person renamed it.

        :return: whether anything changed.
        """
        self.ensure_one()
        values = {}
        if name != (self.pbx_name or ""):
            values["pbx_name"] = name or False
            if (self.name or "") == (self.pbx_name or ""):
                values["name"] = name or False
        if not self.active:
            values["active"] = True
        if values:
            self.write(values)
        return bool(values)
