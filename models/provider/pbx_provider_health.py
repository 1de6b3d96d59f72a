"""Health: what waits or failed, and how it is put right."""

from datetime import timedelta

from odoo import fields, models


class PbxProvider(models.Model):
    _inherit = "pbx.provider"

    request_error_count = fields.Integer(
        compute="_compute_request_error_count",
        groups="base.group_system",
        help="Questions of the last 24 hours that the PBX did not answer as it should.",
    )

    def _compute_request_error_count(self):
        counts = dict(
            self.env["pbx.request"]._read_group(
                [
                    ("provider_id", "in", self._origin.ids),
                    # A recording that is not ready yet is no trouble.
                    ("error_code", "not in", (False, "not_found")),
                    ("at", ">=", fields.Datetime.now() - timedelta(hours=24)),
                ],
                ["provider_id"],
                ["__count"],
            )
        )
        for provider in self:
            provider.request_error_count = counts.get(provider._origin, 0)

    def action_view_requests(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "cloud_pbx.pbx_request_action"
        )
        failed = {"search_default_failed": 1} if self.request_error_count else {}
        return {**action, "domain": [("provider_id", "=", self.id)], "context": failed}

    def action_replay_failed(self):
        """Have every failed event of these cloud PBXs applied again, by the job."""
        self.check_access("write")
        count = self.env["pbx.event"]._replay_failed(self)
        return self._notify(self.env["pbx.event"]._replay_told(count), "info")
