from odoo import api, fields, models
from odoo.tools import ormcache
from odoo.tools.misc import hmac

from ..tools.memory import forget


class PbxErased(models.Model):
    """A number that was erased: its past calls are not read from the PBX again.

    The number itself is not kept, only what Odoo's secret makes of it: one can tell
    whether a number that comes along is this one, and not which one it is.
    """

    _name = "pbx.erased"
    _description = "Erased phone number"
    _log_access = False

    company_id = fields.Many2one("res.company", required=True, ondelete="cascade")
    digest = fields.Char(required=True)
    erased_at = fields.Datetime(string="Erased", required=True)

    _digest_uniq = models.UniqueIndex("(company_id, digest)")

    @api.model
    def _add(self, companies, number):
        """Remember that all calls of ``number`` (E.164) until now were erased."""
        now = fields.Datetime.now()
        for company in companies:
            digest = self._digest_of(number)
            known = self.search(
                [("company_id", "=", company.id), ("digest", "=", digest)]
            )
            if known:
                known.erased_at = now
            else:
                self.create(
                    {"company_id": company.id, "digest": digest, "erased_at": now}
                )
        forget(self.env)

    @api.model
    def _covers(self, company_id, number, start):
        """Tell whether a call of ``number`` that began at ``start`` was erased."""
        known = self._erased_at(company_id)
        if not known or not number:
            return False
        erased_at = known.get(self._digest_of(number))
        return bool(erased_at) and start <= erased_at

    @api.model
    @ormcache("company_id")
    def _erased_at(self, company_id):
        """Return ``{digest: moment}`` of a company."""
        rows = self.search([("company_id", "=", company_id)])
        return {row.digest: row.erased_at for row in rows}

    def _digest_of(self, number):
        return hmac(self.env(su=True), "cloud_pbx.erased", number)
