from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain

from .figures.formats import NO_VALUE, format_percent

# Of figures from 0 to 1 the digest shows the percentage.
RATES = {"kpi_pbx_answer_rate": "answer_rate", "kpi_pbx_kept_rate": "kept_rate"}
COUNTS = {"kpi_pbx_inbound": "inbound", "kpi_pbx_lost": "lost"}


class DigestDigest(models.Model):
    _inherit = "digest.digest"

    kpi_pbx_inbound = fields.Boolean("Incoming Calls")
    kpi_pbx_inbound_value = fields.Integer(compute="_compute_kpi_pbx")
    kpi_pbx_answer_rate = fields.Boolean("Calls Answered")
    kpi_pbx_answer_rate_value = fields.Float(compute="_compute_kpi_pbx")
    kpi_pbx_lost = fields.Boolean("Lost Calls")
    kpi_pbx_lost_value = fields.Integer(compute="_compute_kpi_pbx")
    kpi_pbx_kept_rate = fields.Boolean("Call-backs Kept in Time")
    kpi_pbx_kept_rate_value = fields.Float(compute="_compute_kpi_pbx")

    # By the period as well: all four come from one look at it.
    @api.depends_context("uid", "company", "start_datetime", "end_datetime")
    def _compute_kpi_pbx(self):
        for digest in self:
            figures = digest._pbx_figures()
            for name, key in COUNTS.items():
                digest[f"{name}_value"] = figures[key]
            for name, key in RATES.items():
                digest[f"{name}_value"] = 100 * (figures[key] or 0)

    def _pbx_figures(self):
        """Return the figures of the digest's company and period.

        :raises AccessError: the digest leaves them out, then.
        """
        if not self.env.user.has_group("cloud_pbx.group_pbx_manager"):
            raise AccessError(self.env._("Only supervisors see this."))
        company = self.company_id or self.env.company
        start, end, _companies = self._get_kpi_compute_parameters()
        period = Domain("company_id", "=", company.id)
        if start:
            period &= Domain("start", ">=", start)
        if end:
            period &= Domain("start", "<", end)
        return self.env["pbx.call"].with_company(company).figures(list(period))

    def _compute_kpis(self, company, user):
        """Show rates as percentages, and a dash where there is nothing to divide by."""
        kpis = super()._compute_kpis(company, user)
        rates = [kpi for kpi in kpis if kpi["kpi_name"] in RATES]
        if not rates:
            return kpis
        for column, (_label, (period, _before)) in enumerate(
            self._compute_timeframes(company), start=1
        ):
            digest = self.with_user(user).with_company(company)
            digest = digest.with_context(
                start_datetime=period[0], end_datetime=period[1]
            )
            figures = digest._pbx_figures()
            for kpi in rates:
                rate = figures[RATES[kpi["kpi_name"]]]
                shown = NO_VALUE if rate is None else format_percent(self.env, rate)
                kpi[f"kpi_col{column}"]["value"] = shown
        return kpis

    def _compute_kpis_actions(self, company, user):
        actions = super()._compute_kpis_actions(company, user)
        menu = self.env.ref("cloud_pbx.pbx_menu_root").id
        calls = f"cloud_pbx.pbx_call_action?menu_id={menu}"
        actions.update(dict.fromkeys((*COUNTS, "kpi_pbx_answer_rate"), calls))
        promises = f"cloud_pbx.pbx_promise_action?menu_id={menu}"
        actions["kpi_pbx_kept_rate"] = promises
        return actions
