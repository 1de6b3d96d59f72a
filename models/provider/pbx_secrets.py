import re

from odoo import models

from ..tools.secret_field import Secret


class PbxSecrets(models.AbstractModel):
    """Models with secret fields: nobody sorts or groups by these."""

    _name = "pbx.secrets"
    _description = "Has secret fields"

    def _refuse_secret(self, expression):
        """Refuse a secret in ``name``, ``name.property`` or ``name:aggregate``."""
        field = self._fields.get(re.split("[.:]", expression)[0])
        if isinstance(field, Secret):
            field.refuse_search(self.env)

    def _order_field_to_sql(self, alias, field_name, direction, nulls, query):
        self._refuse_secret(field_name)
        return super()._order_field_to_sql(alias, field_name, direction, nulls, query)

    def _read_group_groupby(self, alias, groupby_spec, query):
        self._refuse_secret(groupby_spec)
        return super()._read_group_groupby(alias, groupby_spec, query)

    def _read_group_select(self, aggregate_spec, query):
        self._refuse_secret(aggregate_spec)
        return super()._read_group_select(aggregate_spec, query)
