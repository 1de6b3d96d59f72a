import math
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, format_datetime
from odoo.tools.osutil import clean_filename

from ...telephony import dialect as dialects
from ...telephony import errors
from ...telephony.event import LOGGED, RECORDED
from ...telephony.facts import CallFacts
from ...telephony.http import sound
from ...telephony.recorded import Part, recorded_events, recorded_parts
from .. import pbx_internal_fields  # noqa: F401  (the model that is inherited comes first)
from ..tools.notification import notification
from ..tools.transactions import before_commit, lock_rows
from .fetch import PAUSES_SECONDS, FetchRun

FILE_EXTENSIONS = {"audio/mpeg": ".mp3", "audio/wav": ".wav", "audio/ogg": ".ogg"}
# After what is not fetched yet, a listener may try again.
RETRY_AFTER_SECONDS = 60
# Deleted in one go; the next run of the housekeeping does the rest.
DELETE_BATCH = 1000


class NotPlayable(Exception):
    """A recording cannot be heard now.

    ``text`` is for a person; ``status`` is HTTP's; ``retry_after_seconds`` is 0 where
    waiting does not help.
    """

    def __init__(self, status, text, retry_after_seconds=0):
        super().__init__(text)
        self.status = status
        self.text = text
        self.retry_after_seconds = retry_after_seconds


class PbxRecording(models.Model):
    """A recording of a call, or of one of its parts."""

    _name = "pbx.recording"
    _description = "Recording of a phone call"
    _inherit = ["pbx.internal.fields"]
    _order = "id"
    _rec_name = "ref"

    call_id = fields.Many2one(
        "pbx.call",
        string="Phone call",
        required=True,
        ondelete="cascade",
        index=True,
        readonly=True,
    )
    company_id = fields.Many2one(related="call_id.company_id")
    # Copies of the call's, so that jobs find what is due without going through calls.
    # Not readonly: who creates many gives them, since Odoo computes them one by one.
    provider_id = fields.Many2one(
        "pbx.provider",
        string="Cloud PBX",
        compute="_compute_provider_id",
        store=True,
        precompute=True,
        readonly=False,
    )
    start = fields.Datetime(
        string="Time",
        compute="_compute_start",
        store=True,
        precompute=True,
        readonly=False,
    )
    ref = fields.Char(
        string="Recording ID",
        required=True,
        readonly=True,
        help="The PBX's id of the recording.",
    )
    state = fields.Selection(
        [
            ("waiting", "At the PBX"),
            ("stored", "Stored"),
            ("linked", "Linked"),
            ("failed", "Failed"),
            ("expired", "Expired"),
        ],
        string="Recording",
        default="waiting",
        required=True,
        readonly=True,
    )
    audio = fields.Binary(attachment=True, internal=True, readonly=True, copy=False)
    mimetype = fields.Char(internal=True, readonly=True)
    size = fields.Integer(readonly=True, help="Bytes.")
    # As the stored file itself says; 0: not known.
    file_seconds = fields.Integer(string="Talk", groups=fields.NO_ACCESS)
    error = fields.Text(
        readonly=True, help="Why it could not be fetched when that was last tried."
    )
    attempts = fields.Integer(internal=True, readonly=True)
    next_attempt_at = fields.Datetime(
        string="Next attempt",
        internal=True,
        readonly=True,
        default=fields.Datetime.now,
    )
    tried_at = fields.Datetime(string="Last attempt", internal=True, readonly=True)
    # Until then it belongs to the worker that fetches it, even if that was killed.
    claimed_until = fields.Datetime(groups=fields.NO_ACCESS)
    # Whoever has the link can listen: it leaves us as a redirect, and no other way.
    link = fields.Char(groups=fields.NO_ACCESS, copy=False)
    link_until = fields.Datetime(groups=fields.NO_ACCESS)

    # Which part of the call it is.
    speaker = fields.Char(string="Who", compute="_compute_part", compute_sudo=True)
    spoken_at = fields.Datetime(
        string="When", compute="_compute_part", compute_sudo=True
    )
    talk_seconds = fields.Integer(
        string="Length",
        compute="_compute_part",
        compute_sudo=True,
        help="Seconds; 0: unknown.",
    )

    _ref_uniq = models.Constraint(
        "UNIQUE(call_id, ref)", "A call has each of its recordings once."
    )
    _due_idx = models.Index("(next_attempt_at) WHERE state = 'waiting'")
    _stored_idx = models.Index("(provider_id, start) WHERE state = 'stored'")

    @api.model_create_multi
    def create(self, vals_list):
        recordings = super().create(vals_list)
        waiting = recordings.filtered(lambda recording: recording.state == "waiting")
        due = waiting.filtered("next_attempt_at")
        self._wake_fetching(due.mapped("next_attempt_at"))
        return recordings

    @api.depends("call_id.provider_id")
    def _compute_provider_id(self):
        for recording in self:
            recording.provider_id = recording.call_id.provider_id

    @api.depends("call_id.start")
    def _compute_start(self):
        for recording in self:
            recording.start = recording.call_id.start

    # Of the facts only who is heard, when and for how long; of a user the name alone:
    # hence with all rights.
    @api.depends(
        "ref",
        "file_seconds",
        "call_id.outcome",
        "call_id.leg_ids.user_id",
        "call_id.leg_ids.answer",
    )
    def _compute_part(self):
        for call, recordings in self.grouped("call_id").items():
            legs = {leg.number: leg for leg in call.leg_ids}
            spoke = [n for n, leg in legs.items() if leg.outcome == "answered"]
            events = CallFacts.from_json(call.facts).events
            parts = recorded_parts(events, spoke)
            for recording in recordings:
                part = parts.get(recording.ref, Part())
                leg = legs.get(part.extension, call.leg_ids.browse())
                recording.speaker = recording._speaker_name(part, leg)
                recording.spoken_at = (
                    leg.answer or (leg and leg.start) or call.answer or call.start
                )
                recording.talk_seconds = part.seconds or recording.file_seconds

    @api.depends("speaker", "spoken_at")
    @api.depends_context("lang", "tz")
    def _compute_display_name(self):
        for recording in self:
            when = recording.spoken_at and format_datetime(
                self.env, recording.spoken_at
            )
            recording.display_name = ", ".join(filter(None, (recording.speaker, when)))

    def _speaker_name(self, part, leg):
        """Return who of ours is heard, with the internal number."""
        if self.call_id.outcome == "missed":
            return self.env._("Voicemail")
        if leg.user_id:
            return f"{leg.user_id.name} ({part.extension})"
        return leg.extension_id.display_name or part.extension

    # --------------------------------------------------------------------- record

    @api.model
    def _write_from_facts(self, call, facts):
        """Write the recordings of ``call`` that its facts name, and when each is due.

        :param CallFacts facts: all that is known of the call.
        """
        due, ready, pause = self._due_from_facts(call, facts)
        if not due:
            return
        names = ["ref", "state", "next_attempt_at", "tried_at", "attempts"]
        known = self.search_fetch([("call_id", "=", call.id)], names)
        known = {recording.ref: recording for recording in known}
        now = fields.Datetime.now()
        new = []
        for ref, at in sorted(due.items()):
            if ref not in known:
                # What was received a while ago is due at once; and what a wrong clock
                # received in times to come, as soon as anything.
                at = at and min(max(at, now), now + pause)
                new.append({"call_id": call.id, "ref": ref, "next_attempt_at": at})
            elif at and known[ref]._waits_for_the_end():
                known[ref].next_attempt_at = now + pause
                self._wake_fetching([now + pause])
            elif known[ref]._is_newly_ready(ready.get(ref)):
                lock_rows(known[ref])
                known[ref].write(
                    {"state": "waiting", "attempts": 0, "next_attempt_at": now}
                )
                self._wake_fetching([now])
        if new:
            self.create(new)

    def _due_from_facts(self, call, facts):
        """Return two dicts ``{ref: moment}``, when each recording is due (``False``:
        not before the call is over), and since when the PBX says that it is ready (of
        those of which it says so); and how long it takes at the most until one is."""
        due, ready = {}, {}
        recorded = recorded_events(facts.events)
        if not recorded:
            return due, ready, timedelta()
        settings = call.provider_id._settings(call.provider_id.id)
        dialect = dialects.get(settings.dialect)
        pause = timedelta(seconds=dialect.recording_ready_seconds)
        if dialect.recording_grows:
            at = False
            if call.state == "done":
                last = max(event.received_at for event in facts.events)
                at = last.replace(microsecond=0) + pause
            return dict.fromkeys((one.recording for one in recorded), at), ready, pause
        for event in recorded:
            at = event.received_at.replace(microsecond=0)
            if event.kind in (RECORDED, LOGGED):
                ready[event.recording] = min(ready.get(event.recording, at), at)
            else:
                at += pause
            due[event.recording] = min(due.get(event.recording, at), at)
        return due, ready, pause

    def _waits_for_the_end(self):
        """Tell whether it was left alone because the call went on."""
        return self.state == "waiting" and not (self.next_attempt_at or self.attempts)

    def _is_newly_ready(self, ready_at):
        """Tell whether the PBX has it ready since it was last tried.

        :param ready_at: when the PBX said so; ``None``: never.
        """
        if not ready_at or self.state not in ("waiting", "failed"):
            return False
        if self.tried_at:
            return ready_at > self.tried_at
        return self.next_attempt_at and ready_at < self.next_attempt_at

    # ---------------------------------------------------------------------- fetch

    def action_fetch(self):
        """Have them fetched now; what failed is tried from the beginning."""
        self.check_access("read")
        fetchable = self.filtered_domain(Domain("state", "in", ("waiting", "failed")))
        if not fetchable:
            raise UserError(self.env._("There is nothing to fetch any more."))
        # Of a call that goes on, only a part could be fetched.
        fetchable = fetchable.filtered(lambda one: not one._waits_for_the_end())
        stopped = fetchable.provider_id.filtered(
            lambda provider: not provider.is_running
        )
        if stopped:
            raise UserError(
                self.env._(
                    "%s is inactive: nothing is fetched from it. Ask your "
                    "administrator.",
                    ", ".join(stopped.mapped("name")),
                )
            )
        # sudo: who may hear it may have it fetched; that is all that is written.
        fetchable.sudo()._fetch_anew()
        return notification(self.env._("It is being fetched. Look again in a moment."))

    def _fetch_anew(self):
        """Have the job fetch these now, from the first attempt on."""
        now = fields.Datetime.now()
        self.write(
            {"state": "waiting", "attempts": 0, "error": False, "next_attempt_at": now}
        )
        self._wake_fetching([now])

    @api.model
    def _wake_fetching(self, moments):
        """Have the job run at these moments: one trigger for each, once a transaction.

        An import of past calls names thousands of recordings that are all due now.
        """
        before_commit(
            self.env, "cloud_pbx.recordings", set, self._trigger_fetching
        ).update(moments)

    def _trigger_fetching(self, moments):
        # Known without a query, unlike ``ref``: each recorded call ends here.
        job_id = self.env["ir.model.data"]._xmlid_to_res_id(
            "cloud_pbx.ir_cron_fetch_recordings"
        )
        if job_id and moments:
            self.env["ir.cron"].browse(job_id)._trigger(at=sorted(moments))

    @api.model
    def _cron_fetch(self):
        """Fetch what is due, the newest calls first."""
        # sudo: the job's own; recordings and keys of all companies
        FetchRun(self.sudo().env).run()

    @api.model
    def _find_due(self, provider_ids, limit):
        """Return ``[(recording id, provider id)]`` of what nobody is fetching."""
        self.flush_model()
        now = fields.Datetime.now()
        self._mend_due_times(now)
        return self.env.execute_query(
            SQL(
                """SELECT id, provider_id FROM pbx_recording
                    WHERE state = 'waiting' AND next_attempt_at <= %s
                      AND (claimed_until IS NULL OR claimed_until <= %s)
                      AND provider_id = ANY(%s)
                 ORDER BY attempts NULLS FIRST, start DESC, id LIMIT %s""",
                now,
                now,
                list(provider_ids),
                limit,
            )
        )

    def _mend_due_times(self, now):
        """Have what a wrong clock put off for longer than any pause tried now."""
        never = now + timedelta(seconds=2 * max(PAUSES_SECONDS))
        self.env.cr.execute(
            SQL(
                """UPDATE pbx_recording
                      SET next_attempt_at = %(now)s, claimed_until = NULL
                    WHERE state = 'waiting' AND (next_attempt_at > %(never)s
                       OR next_attempt_at <= %(now)s AND claimed_until > %(never)s)""",
                now=now,
                never=never,
            )
        )
        if self.env.cr.rowcount:
            self.invalidate_model(["next_attempt_at", "claimed_until"])

    def _store(self, file, mimetype):
        """Keep the bytes of ``file`` as this recording's only file."""
        file.seek(0)
        self._audio_attachments().unlink()
        # Not through the field: that would hold the file three times, in base64.
        self.env["ir.attachment"].create(
            {
                "name": "audio",
                "res_model": self._name,
                "res_id": self.id,
                "res_field": "audio",
                "company_id": self.company_id.id,
                "type": "binary",
                "mimetype": mimetype,
                "raw": file.read(),
            }
        )
        self.invalidate_recordset(["audio"])

    def _audio_attachments(self):
        # sudo: the caller has checked the access to the recordings
        return (
            self.env["ir.attachment"]
            .sudo()
            .search(
                [
                    ("res_model", "=", self._name),
                    ("res_field", "=", "audio"),
                    ("res_id", "in", self.ids),
                ]
            )
        )

    # ----------------------------------------------------------------------- hear

    @api.model
    def _find_readable(self, recording_id):
        """Return the recording if the user may hear it, else an empty one.

        A recording that is not there and one that is not theirs look the same.
        """
        if not self.has_access("read"):
            return self.browse()
        return self.search([("id", "=", recording_id)])

    def _playback_link(self):
        """Return the PBX's address to hear it from; ``""``: the file is stored here.

        The caller has checked the access.

        :raises NotPlayable: neither; it says why.
        """
        self.ensure_one()
        env = self.env
        if self.state == "stored":
            return ""
        if self.state == "expired":
            raise NotPlayable(
                410, env._("This recording was deleted: its time to be kept is over.")
            )
        # sudo: the provider's settings decide, and the listener may not read them
        provider_sudo = self.sudo().provider_id
        if self._is_played_by(provider_sudo) or (
            self.state == "linked" and provider_sudo._dialect().recording_link_seconds
        ):
            return self._fresh_link(provider_sudo)
        if self.state == "linked":
            # sudo: who may hear it may have it fetched, as no link can be given now
            self.sudo()._fetch_anew()
        if self.state == "failed":
            raise NotPlayable(
                404, env._("This recording could not be fetched: %s", self.error or "")
            )
        raise NotPlayable(
            404,
            env._("This recording is not fetched yet. Try again in a few minutes."),
            RETRY_AFTER_SECONDS,
        )

    @api.model
    def _is_played_by(self, provider):
        """Tell whether recordings are heard from the PBX, by links that it gives."""
        can_link = bool(provider._dialect().recording_link_seconds)
        return can_link and provider.recording_mode == "link"

    def _fresh_link(self, provider_sudo):
        """Return a link that still works for a while, the same for some minutes."""
        # sudo: the link is for nobody but the one whose access was checked
        own_sudo, now = self.sudo(), fields.Datetime.now()
        if own_sudo.link and own_sudo.link_until and own_sudo.link_until > now:
            return own_sudo.link
        if not provider_sudo.is_running:
            raise NotPlayable(503, self.env._("%s is inactive.", provider_sudo.name))
        try:
            dialect, account = provider_sudo._open_api(urgent=True)
            ref = own_sudo.call_id.ref or ""
            link = dialect.fetch_recording(account, ref, self.ref).url
            sound.check_home(link, account.server_url)
        except errors.NotFound as error:
            raise NotPlayable(
                404, self.env._("The PBX does not have this recording, or not yet.")
            ) from error
        except errors.RateLimited as error:
            raise NotPlayable(
                503, provider_sudo._explain(error), math.ceil(error.retry_after)
            ) from error
        except (errors.PbxError, dialects.NotOffered) as error:
            raise NotPlayable(502, provider_sudo._explain(error)) from error
        own_sudo.write(
            {
                "link": link,
                "link_until": now + timedelta(seconds=dialect.recording_link_seconds),
                "state": "linked",
                "error": False,
            }
        )
        return link

    def _file_name(self):
        """Return a file name that says which call it was."""
        call = self.call_id
        start = fields.Datetime.context_timestamp(self, self.start)
        name = f"{start:%Y-%m-%d %H-%M} {call.display_name}"
        if self.speaker and len(call.recording_ids) > 1:
            name += f" {self.speaker}"
        extension = FILE_EXTENSIONS.get(self.mimetype, "")
        return clean_filename(name, "_")[:120].strip() + extension

    # ----------------------------------------------------------------------- keep

    @api.autovacuum
    def _gc_audio(self):
        """Delete files that are older than their provider wants them to be kept.

        :return: ``(deleted, left)``, as autovacuum takes it.
        """
        # sudo: housekeeping of all companies
        providers = self.env["pbx.provider"].sudo().with_context(active_test=False)
        deleted = left = 0
        for provider in providers.search([("recording_days", ">", 0)]):
            before = fields.Datetime.now() - timedelta(days=provider.recording_days)
            domain = [
                ("provider_id", "=", provider.id),
                ("state", "=", "stored"),
                ("start", "<", before),
            ]
            old = self.sudo().search(domain, order="start", limit=DELETE_BATCH + 1)
            left += max(0, len(old) - DELETE_BATCH)
            old = old[:DELETE_BATCH].with_context(lang=provider.user_id.lang)
            old._delete_audio(provider.recording_days)
            deleted += len(old)
        return deleted, left

    def _delete_audio(self, days):
        """Delete the files, and say so in the calls' chatters."""
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
