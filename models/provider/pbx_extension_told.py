"""What the PBX itself says of an internal number."""

from odoo import fields, models


class PbxExtension(models.Model):
    _inherit = "pbx.extension"

    name_told = fields.Char(readonly=True, copy=False, help="How the PBX calls it.")
    checked_at = fields.Datetime(
        string="Asked", readonly=True, copy=False, help="When the PBX was last asked."
    )

    def _update_from_pbx(self, told):
        """Take over what the PBX says; users and what people renamed stay.

        :param Extension told: neutral, of the dialect.
        :return: labels of what changed, apart from who is online.
        """
        self.ensure_one()
        values = {}
        if told.name and told.name != self.name_told:
            if self.name in (False, self.number, self.name_told):
                values["name"] = told.name
            values["name_told"] = told.name
        if told.caller_id and told.caller_id != self.caller_id:
            values["caller_id"] = told.caller_id
        if told.login and told.login != self.login:
            values["login"] = told.login
        labels = [
            self._fields[name]._description_string(self.env)
            for name in values
            if name != "name_told"
        ]
        self.write(values)
        self._set_online(told.online)
        return labels

    def _set_online(self, online):
        """Write down that a phone is registered here, or not (``None``: not told)."""
        status = {True: "online", False: "offline"}.get(online, "unknown")
        self.filtered(lambda one: one.status != status).status = status
        self.checked_at = fields.Datetime.now()
