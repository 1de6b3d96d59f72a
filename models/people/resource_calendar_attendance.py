from odoo import models

from .. import pbx_remembered  # noqa: F401  (the model that is inherited comes first)


class ResourceCalendarAttendance(models.Model):
    _name = "resource.calendar.attendance"
    _inherit = ["resource.calendar.attendance", "pbx.remembered"]
