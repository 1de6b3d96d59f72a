"""What a cloud PBX has told so far, as its form shows it.

PrepaidWire from inbox and log, so that no event has to write the provider's row.
"""

from odoo import fields, models


class PbxProvider(models.Model):
    _inherit = "pbx.provider"

    last_event_at = fields.Datetime(
        string="Last event", compute="_compute_inbox", compute_sudo=True
    )
    waiting_count = fields.Integer(
        string="Waiting events", compute="_compute_inbox", compute_sudo=True
    )
    failed_count = fields.Integer(
        string="Failed events", compute="_compute_inbox", compute_sudo=True
    )
    call_count = fields.Integer(compute="_compute_call_count", compute_sudo=True)

    def _compute_inbox(self):
        events = self.env["pbx.event"]
        for provider in self:
            newest = events.search_fetch(
                [("provider_id", "=", provider._origin.id)],
                ["received_at"],
                order="received_at desc",
                limit=1,
            )
            told = newest.received_at
            if not told:
                # The inbox is pruned; the log is not. Of a call that was found later no
                # event told.
                call = self.env["pbx.call"].search_fetch(
                    [
                        ("provider_id", "=", provider._origin.id),
                        ("from_history", "=", False),
                    ],
                    ["last_event_at"],
                    order="start desc",
                    limit=1,
                )
                told = call.last_event_at
            provider.last_event_at = told
        counts = {
            (provider.id, state): count
            for provider, state, count in events._read_group(
                [
                    ("provider_id", "in", self.ids),
                    ("state", "in", ("pending", "failed")),
                ],
                ["provider_id", "state"],
                ["__count"],
            )
        }
        for provider in self:
            provider.waiting_count = counts.get((provider._origin.id, "pending"), 0)
            provider.failed_count = counts.get((provider._origin.id, "failed"), 0)

    def _compute_call_count(self):
        counts = dict(
            self.env["pbx.call"]._read_group(
                [("provider_id", "in", self.ids)], ["provider_id"], ["__count"]
            )
        )
        for provider in self:
            provider.call_count = counts.get(provider._origin, 0)

    def action_view_calls(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "cloud_pbx.pbx_call_action"
        )
        return {**action, "domain": [("provider_id", "=", self.id)], "context": {}}

    def action_view_events(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "cloud_pbx.pbx_event_action"
        )
        return {
            **action,
            "domain": [("provider_id", "=", self.id)],
            "context": {"search_default_waiting": 1} if self.waiting_count else {},
        }
