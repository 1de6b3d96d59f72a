import logging

import psycopg2

from odoo import models
from odoo.http import Response, request

_logger = logging.getLogger(__name__)

WEBHOOK_PREFIX = "/pbx/"


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
        # Who has no phone is asked nothing, and asks nothing.
        if self.env["pbx.desk"]._phones():
            info["cloud_pbx_phone"] = True
        return info

    @classmethod
    def _handle_error(cls, exception):
        # A PBX that is told 404 or 500 may give the address up; 503 says "later".
        if isinstance(
            exception, psycopg2.Error
        ) and request.httprequest.path.startswith(WEBHOOK_PREFIX):
            _logger.error("The inbox cannot be written: %s", type(exception).__name__)
            return Response("The inbox cannot be written.", 503, mimetype="text/plain")
        return super()._handle_error(exception)
