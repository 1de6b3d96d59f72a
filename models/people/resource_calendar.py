from odoo import models

from .. import pbx_remembered  # noqa: F401  (the model that is inherited comes first)


class ResourceCalendar(models.Model):
    _name = "resource.calendar"
    _inherit = ["resource.calendar", "pbx.remembered"]
