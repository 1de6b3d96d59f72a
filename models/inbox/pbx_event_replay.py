"""Applying what failed once more, all of it at once."""

from odoo import models
from odoo.tools import SQL


class PbxEvent(models.Model):
    _inherit = "pbx.event"

    def action_replay_failed(self):
        """The same for all cloud PBXs of the companies that are shown."""
        self.check_access("write")
        providers = self.env["pbx.provider"].with_context(active_test=False)
        shown = providers.search([("company_id", "in", self.env.companies.ids)])
        count = self._replay_failed(shown)
        return providers._notify(self._replay_told(count), "info")

    def _replay_told(self, count):
        if not count:
            return self.env._("No event failed.")
        return self.env._("%s events are applied again, in a moment.", count)

    def _replay_failed(self, providers):
        """Let the job apply what failed, however much; return the number of events."""
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """UPDATE pbx_event
                      SET state = 'pending', error = NULL, next_attempt_at = NULL
                    WHERE provider_id = ANY(%s) AND state = 'failed'
                      AND payload IS NOT NULL
                RETURNING id""",
                list(providers.ids),
            )
        )
        self.invalidate_model()
        if rows:
            # sudo: an administrator of one company may wake our own job.
            self.env.ref("cloud_pbx.ir_cron_apply_events").sudo()._trigger()
        return len(rows)
