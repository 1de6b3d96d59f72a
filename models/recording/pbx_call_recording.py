"""From what was told about a call to the recordings that are to be fetched."""

from datetime import timedelta

from odoo import fields, models

from ...telephony.event import LOGGED, RECORDED
from ..tools.transactions import lock_rows

# A file is not ready when the call ends; so much later it may be asked for, if the PBX
# does not say itself when it is.
READY_SECONDS = 40


class PbxCall(models.Model):
    _inherit = "pbx.call"

    def _write_recordings(self, facts):
        """Write the recordings that the facts name, and when each is to be fetched."""
        told, ready = {}, {}
        for event in facts.events:
            if not event.recording:
                continue
            at = event.received_at.replace(microsecond=0)
            if event.kind in (RECORDED, LOGGED):
                ready[event.recording] = min(ready.get(event.recording, at), at)
            else:
                at += timedelta(seconds=READY_SECONDS)
            told[event.recording] = min(told.get(event.recording, at), at)
        if not told:
            return
        recordings = self.env["pbx.recording"]
        names = ["ref", "state", "next_attempt_at", "tried_at"]
        known = recordings.search_fetch([("call_id", "=", self.id)], names)
        known = {recording.ref: recording for recording in known}
        now = fields.Datetime.now()
        new = []
        for ref, at in sorted(told.items()):
            if ref not in known:
                # What was received a while ago is due at once.
                at = max(at, now)
                new.append({"call_id": self.id, "ref": ref, "next_attempt_at": at})
            elif known[ref]._is_news(ready.get(ref)):
                lock_rows(known[ref])
                known[ref].write(
                    {"state": "waiting", "attempts": 0, "next_attempt_at": now}
                )
                recordings._wake_fetching([now])
        if new:
            recordings.create(new)

    def unlink(self):
        # The database would remove the rows, but not the files.
        self.sudo().recording_ids.unlink()  # sudo: who may remove the call may
        return super().unlink()


class PbxRecording(models.Model):
    _inherit = "pbx.recording"

    def _is_news(self, ready_at):
        """Tell whether it was said to be ready since it was last tried."""
        if not ready_at or self.state not in ("waiting", "failed"):
            return False
        if self.tried_at:
            return ready_at > self.tried_at
        return self.next_attempt_at and ready_at < self.next_attempt_at
