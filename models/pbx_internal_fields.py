from odoo import api, models

OFFERS = ("searchable", "groupable", "exportable")


class PbxInternalFields(models.AbstractModel):
    """Models with fields of our own bookkeeping, declared with ``internal=True``.

    Or with ``internal=("searchable",)`` where another field is meant for that alone: of
    ``searchable`` (filters), ``groupable`` and ``exportable``.

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
            internal = getattr(self._fields[name], "internal", ())
            offers = {*OFFERS} if internal is True else {*internal}
            description.update(dict.fromkeys(offers & description.keys(), False))
        return described
