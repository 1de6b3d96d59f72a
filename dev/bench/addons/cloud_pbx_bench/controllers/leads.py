import itertools
import time

from odoo import SUPERUSER_ID, api, http
from odoo.http import request

from odoo.addons.cloud_pbx.models.lead.make import LeadMaker

# What a lead by a call is given; all else is Odoo's own.
GIVEN = (
    *("name", "partner_id", "country_id", "user_id", "team_id", "company_id"),
    *("source_id", "medium_id", "campaign_id", "pbx_call_id"),
)
numbers = itertools.count(1)


class Leads(http.Controller):
    """A lead as the job makes it of a call, and as a bare ``create`` does."""

    @http.route("/bench/lead", type="http", auth="none", methods=["POST"], csrf=False)
    def measure(self):
        """Return seconds: ``job``, of the one call that waits, and ``bare``."""
        env = request.env(user=SUPERUSER_ID, su=True)
        [[call_id, *_others]] = LeadMaker(env)._waiting()
        env.cr.commit()  # pylint: disable=invalid-commit
        taken = {}
        with env.registry.cursor() as cr:
            began = time.perf_counter()
            LeadMaker(api.Environment(cr, SUPERUSER_ID, {})).run()
            taken["job"] = time.perf_counter() - began
        with env.registry.cursor() as cr:
            lead = api.Environment(cr, SUPERUSER_ID, {})["pbx.call"].browse(call_id)
            lead = lead.lead_id
            values = {
                name: lead._fields[name].convert_to_write(lead[name], lead)
                for name in GIVEN
            }
            values["phone"] = f"+44 7600 {next(numbers):06}"
            user_id = lead.create_uid.id
        with env.registry.cursor() as cr:
            began = time.perf_counter()
            bare = api.Environment(cr, user_id, {}, su=True)
            bare["crm.lead"].create(values)
            cr.commit()  # pylint: disable=invalid-commit
            taken["bare"] = time.perf_counter() - began
        return request.make_json_response(taken)
