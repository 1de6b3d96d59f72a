from odoo import models
from odoo.http import request

from .tools.outage import later_response


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    def session_info(self):
        info = super().session_info()
        # The pages of users without a phone send no requests of ours.
        if self.env["pbx.desk"]._has_phone():
            info["cloud_pbx_phone"] = True
        return info

    @classmethod
    def _handle_error(cls, exception):
        response = later_response(request.httprequest.path, exception)
        if response:
            return response
        return super()._handle_error(exception)
