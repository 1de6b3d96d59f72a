import logging

from odoo import models
from odoo.http import request

from .tools.outage import later_response

_logger = logging.getLogger(__name__)


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _pre_dispatch(cls, rule, args):
        result = super()._pre_dispatch(rule, args)
        if rule.endpoint.routing.get("pbx_webhook"):
            # The dispatcher reads forms next and leaves no body; a signature and the
            # check of the encoding need the bytes. Cached, so both can have them.
            request.httprequest.get_data(cache=True, parse_form_data=False)
        return result

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
            # The exception's own text may hold what the event does.
            what = response.get_data(as_text=True).partition(".")[0]
            _logger.error("%s: %s", what, type(exception).__name__)
            return response
        return super()._handle_error(exception)
