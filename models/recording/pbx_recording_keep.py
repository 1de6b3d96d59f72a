"""How long recordings are kept."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import format_datetime

# Deleted in one go; the next day's run, or the next one today, does the rest.
BATCH = 1000


class PbxRecording(models.Model):
    _inherit = "pbx.recording"

    @api.autovacuum
    def _gc_audio(self):
        """Delete files that are older than their provider wants them to be kept.

        :return: ``(deleted, left)``, as autovacuum takes it.
        """
        # sudo: housekeeping of all companies
        providers = self.env["pbx.provider"].sudo().with_context(active_test=False)
        deleted = left = 0
        for provider in providers.search([("recording_days", ">", 0)]):
            domain = [
                ("provider_id", "=", provider.id),
                ("state", "=", "stored"),
                (
                    "start",
                    "<",
                    fields.Datetime.now() - timedelta(days=provider.recording_days),
                ),
            ]
            old = self.sudo().search(domain, order="start", limit=BATCH + 1)
            left += max(0, len(old) - BATCH)
            old = old[:BATCH].with_context(lang=provider.user_id.lang)
            old._delete_audio(provider.recording_days)
            deleted += len(old)
        return deleted, left

    def _delete_audio(self, days):
        """Delete the files; the calls' chatters say so."""
        self._audio_attachments().unlink()
        self.write({"state": "expired", "error": False, "size": 0})
        for recording in self:
            call = recording.call_id
            # In the name of Odoo itself: nobody pressed a button.
            call.with_user(self.env.ref("base.user_root"))._message_log(
                body=self.env._(
                    "The recording of %(when)s was deleted after %(days)s days.",
                    when=format_datetime(
                        self.env, recording.start, tz=call.provider_id.tz or "UTC"
                    ),
                    days=days,
                )
            )
