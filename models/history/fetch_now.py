"""“Fetch now”: a person catches up with the past calls of a PBX."""

import time

from odoo import fields
from odoo.tools import format_time

from ..tools.notification import notification
from .reader import LOCK_SECONDS, HistoryReader, Progress

# For so long a person waits; the rest is the job's.
READ_SECONDS = 40


class FetchNow:
    """Reads as many pages as time and the limits of the PBX allow."""

    def __init__(self, provider):
        self.provider, self.env = provider, provider.env

    def run(self):
        """Read; return the notification that says what was found, or why not.

        What is read is committed page by page. Where the PBX sets a limit, the job goes
        on by itself.
        """
        # sudo: administrators alone get here; imports write the log, which nobody may.
        reader = HistoryReader(self.provider.sudo().env, self.provider, urgent=True)
        with reader.lock(LOCK_SECONDS) as held:
            if not held:
                return notification(
                    self.env._("Past calls are being read at this moment.")
                )
            catch_up_id = reader.begin_catch_up()
            ends_at, progress = time.monotonic() + READ_SECONDS, Progress.MORE
            while progress is Progress.MORE and time.monotonic() < ends_at:
                progress = reader.read_page(catch_up_id)
            if progress is Progress.MORE:
                self.provider._history_wanted()
            values = reader.result(catch_up_id)
        return notification(*self._summary(progress, values))

    def _summary(self, progress, values):
        """Return what a person reads, in which colour, and whether it stays."""
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
        if progress in (Progress.MORE, Progress.LIMITED) and not (
            self.provider._asked_by_jobs()
        ):
            rest = self.env._(
                "The PBX may not be asked more often now, and is not connected: press "
                "“Connect”, or “Fetch now” again for the rest."
            )
            return f"{counts} {rest}", "info", True
        if progress in (Progress.MORE, Progress.LIMITED):
            at = values["next_attempt_at"] or fields.Datetime.now()
            tz = self.env.user.tz or "UTC"
            rest = self.env._(
                "The PBX may not be asked more often: the rest follows automatically, "
                "from %s on.",
                format_time(self.env, at, tz=tz, time_format="short"),
            )
            return f"{counts} {rest}", "info", True
        return values["error"], "danger", True
