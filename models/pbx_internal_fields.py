from odoo import api, models


class PbxInternalFields(models.AbstractModel):
    """Models with fields of our own bookkeeping, declared with ``internal=True``.

    Views, code and those who know their names read them as any others; menus of
    filters and groups, and the export, do not offer them.
    """

    _name = "pbx.internal.fields"
    _description = "Has fields of our bookkeeping"

    def _valid_field_parameter(self, field, name):
        return name == "internal" or super()._valid_field_parameter(field, name)

    @api.model
    def fields_get(self, allfields=None, attributes=None):
        described = super().fields_get(allfields, attributes)
        for name, description in described.items():
            if getattr(self._fields[name], "internal", False):
                offers = {"searchable", "groupable", "exportable"}
                description.update(dict.fromkeys(offers & description.keys(), False))
        return described
