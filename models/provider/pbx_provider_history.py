"""Past calls of a cloud PBX: catching up by itself, and when a person asks."""

import time

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import format_time

from ..history.reader import LOCK_SECONDS, HistoryReader, Progress

# So long a click reads; the rest is the job's.
CLICK_SECONDS = 40


class PbxProvider(models.Model):
    _inherit = "pbx.provider"

    history_ids = fields.One2many(
        "pbx.history", "provider_id", groups="base.group_system"
    )
    history_mark = fields.Datetime(
        string="Past calls read up to",
        compute="_compute_history_mark",
        compute_sudo=True,
        groups="base.group_system",
        help="All calls that began before are in the log.",
    )
    history_error = fields.Text(
        compute="_compute_history_mark", compute_sudo=True, groups="base.group_system"
    )

    def _compute_history_mark(self):
        catch_ups = self.env["pbx.history"].search(
            [("provider_id", "in", self._origin.ids), ("kind", "=", "catch_up")]
        )
        by_provider = {one.provider_id.id: one for one in catch_ups}
        for provider in self:
            catch_up = by_provider.get(provider._origin.id, catch_ups.browse())
            provider.history_mark = catch_up.until
            provider.history_error = catch_up.error

    def _history_wanted(self):
        """Have the job catch up soon."""
        histories = self.env["pbx.history"].sudo()  # sudo: the job's own table
        for provider in self:
            catch_up = histories._catch_up_of(provider.id)
            if catch_up.next_attempt_at:
                catch_up.next_attempt_at = False
        histories._wake()

    def action_import_history(self):
        """Open a new import of a period that a person chooses."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Import past calls"),
            "res_model": "pbx.history",
            "views": [(False, "form")],
            "context": {"default_provider_id": self.id},
        }

    def action_fetch_history(self):
        """Catch up with the PBX's past calls now, as the job does.

        What is read is committed page by page. Where the PBX sets a limit, the job goes
        on by itself.

        :return: a notification that says what was found, or why not.
        """
        self.ensure_one()
        self.check_access("write")
        if not self.is_running:
            raise UserError(
                self.env._(
                    "%s is inactive. Choose the user under “Run as” first.",
                    self.display_name,
                )
            )
        # sudo: administrators alone get here; imports write the log, which nobody may.
        reader = HistoryReader(self.sudo().env, self, urgent=True)
        with reader.lock(LOCK_SECONDS) as held:
            if not held:
                return self._notify(
                    self.env._("Past calls are being read at this moment."), "info"
                )
            catch_up_id = reader.begin_catch_up()
            end, progress = time.monotonic() + CLICK_SECONDS, Progress.MORE
            while progress is Progress.MORE and time.monotonic() < end:
                progress = reader.read_page(catch_up_id)
            if progress is Progress.MORE:
                self._history_wanted()
            values = reader.result(catch_up_id)
        return self._notify(*self._history_words(progress, values))

    def _history_words(self, progress, values):
        """Return what a person reads, and in which colour."""
        counts = self.env._(
            "Past calls: %(new)s new, %(completed)s completed, "
            "%(unchanged)s unchanged.",
            new=values["new_count"],
            completed=values["completed_count"],
            unchanged=values["unchanged_count"],
        )
        if values["failed_count"]:
            return f"{counts} {values['error']}", "warning", True
        if progress is Progress.DONE:
            return counts, "success"
        if progress in (Progress.MORE, Progress.LIMITED):
            at = values["next_attempt_at"] or fields.Datetime.now()
            tz = self.env.user.tz or "UTC"
            rest = self.env._(
                "The PBX may not be asked more often: the rest follows by itself, "
                "from %s on.",
                format_time(self.env, at, tz=tz, time_format="short"),
            )
            return f"{counts} {rest}", "info", True
        return values["error"], "danger", True
