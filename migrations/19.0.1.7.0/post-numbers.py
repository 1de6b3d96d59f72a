"""Phone numbers with a plus are read otherwise: those of all contacts are read anew."""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    # By the job that reads them after an installation; until it comes to a contact,
    # whoever calls is found as before.
    cr.execute("UPDATE pbx_phone_scan SET last_id = 0")
    env = api.Environment(cr, SUPERUSER_ID, {})
    env.ref("cloud_pbx.ir_cron_read_phones")._trigger()
