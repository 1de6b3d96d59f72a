import itertools
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL, mute_logger

from ...telephony import dialect as dialects
from ...telephony import errors
from ...telephony.dialect import NotOffered
from .. import pbx_internal_fields  # noqa: F401  (the model that is inherited comes first)
from .reader import HistoryReader, Place, Progress

# Where nothing of a cloud PBX was ever read.
FIRST_DAYS = 30
# A call is in the history when it is over, under the time at which it began.
OVERLAP = timedelta(days=1)
# The catch-up begins anew so long after it was done: a bit less than the job's pause.
AGAIN = timedelta(minutes=25)
# What may be over by itself is tried again sooner.
SOON = timedelta(minutes=5)
# No pause is longer, by far.
LONGEST_PAUSE = timedelta(days=2)
# Broken calls that are named to a person.
MAX_NAMED = 5
# What cannot be changed any more once an import has begun.
PERIOD = frozenset(("provider_id", "start", "stop"))
# What one import has found: calls, each counted once.
COUNTS = ("new_count", "completed_count", "unchanged_count", "corrected_count")


class PbxHistory(models.Model):
    """Past calls that are fetched from a PBX, page by page.

    One row of each cloud PBX is its catch-up, used again and again; the others are
    periods that people asked for. What has been done so far stands in the row, so that
    it goes on wherever it was interrupted.
    """

    _name = "pbx.history"
    _description = "Import of past calls"
    _inherit = ["pbx.internal.fields"]
    _order = "id desc"

    provider_id = fields.Many2one(
        "pbx.provider",
        string="Cloud PBX",
        required=True,
        index=True,
        ondelete="cascade",
        default=lambda self: self.env["pbx.provider"].search([], limit=1),
    )
    company_id = fields.Many2one(related="provider_id.company_id")
    kind = fields.Selection(
        [("catch_up", "Automatic"), ("period", "Period")],
        required=True,
        readonly=True,
        default="period",
    )
    start = fields.Datetime(
        string="From",
        required=True,
        default=lambda self: fields.Datetime.now() - timedelta(days=30),
    )
    stop = fields.Datetime(
        string="To", required=True, default=lambda self: fields.Datetime.now()
    )
    state = fields.Selection(
        [
            ("draft", "Not started"),
            ("waiting", "Waiting"),
            ("running", "Running"),
            ("stopped", "Stopped"),
            ("done", "Done"),
            ("failed", "Failed"),
        ],
        required=True,
        readonly=True,
        default="draft",
        copy=False,
    )
    page = fields.Json(
        groups=fields.NO_ACCESS, copy=False, help="Where to go on, in the PBX's terms."
    )
    counted = fields.Json(
        groups=fields.NO_ACCESS, copy=False, help="Calls that are counted already."
    )
    until = fields.Datetime(
        string="Read up to",
        readonly=True,
        copy=False,
        help="Calls that began before are in the log.",
    )
    progress = fields.Float(readonly=True, copy=False, help="Percent of the period.")
    rows = fields.Integer(string="Rows read", readonly=True, copy=False)
    new_count = fields.Integer(
        string="New",
        readonly=True,
        copy=False,
        help="Calls that were not in the log.",
    )
    completed_count = fields.Integer(
        string="Completed",
        readonly=True,
        copy=False,
        help="Calls in the log to which something was added.",
    )
    unchanged_count = fields.Integer(string="Unchanged", readonly=True, copy=False)
    corrected_count = fields.Integer(
        string="Corrected",
        readonly=True,
        copy=False,
        help="Calls in the log that were corrected.",
    )
    failed_count = fields.Integer(
        string="Not written",
        readonly=True,
        copy=False,
        help="Calls that could not be written to the log; the server's log says why.",
    )
    error = fields.Text(readonly=True, copy=False)
    next_attempt_at = fields.Datetime(string="Goes on at", readonly=True, copy=False)
    is_waiting_for = fields.Boolean(internal=True, compute="_compute_is_waiting_for")

    _catch_up_uniq = models.UniqueIndex(
        "(provider_id) WHERE kind = 'catch_up'", "A cloud PBX catches up in one way."
    )

    @api.depends("provider_id", "kind", "start", "stop")
    def _compute_display_name(self):
        for history in self:
            name = history.provider_id.display_name or ""
            if history.kind == "period" and history.start and history.stop:
                days = (
                    fields.Date.to_string(fields.Datetime.context_timestamp(self, at))
                    for at in (history.start, history.stop)
                )
                name = f"{name}, {' … '.join(days)}"
            history.display_name = name

    @api.depends("state", "next_attempt_at")
    def _compute_is_waiting_for(self):
        now = fields.Datetime.now()
        for history in self:
            history.is_waiting_for = (
                history.state == "waiting" and (history.next_attempt_at or now) > now
            )

    @api.constrains("start", "stop")
    def _check_period(self):
        for history in self:
            if history.kind == "period" and history.start >= history.stop:
                raise ValidationError(
                    self.env._("The period has to end after it begins.")
                )

    def write(self, vals):
        begun = any(history.state != "draft" for history in self)
        if begun and not self.env.su and PERIOD.intersection(vals):
            raise UserError(
                self.env._(
                    "This import has begun already. Make another one for another "
                    "period."
                )
            )
        return super().write(vals)

    # ---------------------------------------------------------------- actions

    def action_start(self):
        """Hand the import over to the job, or go on with a stopped one."""
        self.check_access("write")
        for history in self:
            history.provider_id._check_running()
            if history.state in ("draft", "stopped", "failed"):
                history.write(
                    {"state": "waiting", "error": False, "next_attempt_at": False}
                )
        self._wake()
        return True

    def action_start_and_view(self):
        """Start it from the window where it was entered, and show how it goes on."""
        self.ensure_one()
        self.action_start()
        # The list's own action, by whose path the address names it.
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "cloud_pbx.pbx_history_action"
        )
        return {
            **action,
            "res_id": self.id,
            "views": [(False, "form")],
            # Else the id of the window's record would stand there besides.
            "context": {"active_id": False},
        }

    @api.autovacuum
    def _gc_drafts(self):
        """Remove imports that were entered and never started."""
        before = fields.Datetime.now() - timedelta(days=1)
        # sudo: housekeeping of all companies
        self.sudo().search(
            [("state", "=", "draft"), ("create_date", "<", before)]
        ).unlink()

    def action_stop(self):
        """Let go after the calls that are being written at this moment."""
        self.check_access("write")
        self.filtered(lambda history: history.state in ("waiting", "running")).write(
            {"state": "stopped", "next_attempt_at": False}
        )
        return True

    def action_view_calls(self):
        """Show the calls of this period."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "cloud_pbx.pbx_call_action"
        )
        return {
            **action,
            "domain": [
                ("provider_id", "=", self.provider_id.id),
                ("start", ">=", self.start),
                ("start", "<=", self.stop),
            ],
            "context": {},
        }

    # ------------------------------------------------------------------- job

    @api.model
    def _cron_fetch(self):
        """Catch up with what no event reported, and go on with the periods asked for.

        Page by page, the cloud PBXs by turns. Where one sets a limit, its rest waits.
        """
        # sudo: the job's own user; all companies
        providers = self.env["pbx.provider"].sudo().search([("user_id", "!=", False)])
        providers._notice_connected()
        turn = [
            one
            for one in providers
            if one.is_running
            and not one._missing_fields()
            and not dialects.get(one.dialect).can_replay
        ]
        while turn:
            provider = turn.pop(0)
            if provider.exists().is_running:  # and was not ended meanwhile
                if HistoryReader(self.env, provider).take_turn():
                    turn.append(provider)
            if not self.env["ir.cron"]._commit_progress(1, remaining=len(turn)):
                return
        # What was found may show that events are missing.
        self.env.ref("cloud_pbx.ir_cron_silence")._trigger()

    @api.model
    def _wake(self, at=None):
        # sudo: to start the job is all that is done with it
        self.env.ref("cloud_pbx.ir_cron_fetch_history").sudo()._trigger(at=at)

    # -------------------------------------------------------------- what to read

    def _find_due(self, provider_id):
        """Return the ids of what to go on with, those of people after the catch-up.

        A PBX that is not connected is asked by itself for nothing.
        """
        catch_up = self._catch_up_of(provider_id)
        found = self.search(
            [("provider_id", "=", provider_id), ("state", "!=", "draft")]
            + ["|", ("kind", "=", "catch_up"), ("state", "in", ("waiting", "running"))],
            order="kind, id",
        )
        if not catch_up.provider_id._asked_by_jobs():
            found -= catch_up
        now = fields.Datetime.now()
        # Further off than any pause: a wrong clock has put it there.
        never = now + LONGEST_PAUSE
        return found.filtered(
            lambda one: (
                one._is_open() and not now < (one.next_attempt_at or now) <= never
            )
        ).ids

    def _catch_up_of(self, provider_id):
        """Return the catch-up of this cloud PBX, made when it is wanted first."""
        catch_up = self.search(
            [("provider_id", "=", provider_id), ("kind", "=", "catch_up")], limit=1
        )
        if catch_up:
            return catch_up
        # Who meets another in this begins anew: that is no error for the log.
        with mute_logger("odoo.sql_db"):
            return self.create(
                {"provider_id": provider_id, "kind": "catch_up", "state": "waiting"}
            )

    def _request_catch_up(self, provider_id):
        """Have the catch-up begin, or go on, at once; return its id."""
        catch_up = self._catch_up_of(provider_id)
        catch_up.write({"state": "waiting", "next_attempt_at": False})
        return catch_up.id

    @api.model
    def _hasten_catch_up(self, provider_id):
        """Have the catch-up begin soon: an event is in doubt that only it can settle.

        Not more often than every few minutes, whatever somebody sends, and without
        waiting for whoever reads at this moment.
        """
        now = fields.Datetime.now()
        self.env.cr.execute(
            SQL(
                """UPDATE pbx_history
                      SET next_attempt_at = greatest(%(now)s, until + %(soon)s)
                    WHERE id = (SELECT id FROM pbx_history
                                 WHERE provider_id = %(provider)s
                                   AND kind = 'catch_up' AND state = 'done'
                                   AND next_attempt_at > %(now)s
                                   AND next_attempt_at > until + %(soon)s
                                   FOR NO KEY UPDATE SKIP LOCKED)
                RETURNING next_attempt_at""",
                now=now,
                soon=SOON,
                provider=provider_id,
            ),
            log_exceptions=False,  # whoever met the reader tries again
        )
        for [at] in self.env.cr.fetchall():
            self.invalidate_model(["next_attempt_at"])
            self._wake(at)

    def _is_open(self):
        """Tell whether there is something to read; a catch-up begins ever anew."""
        if self.kind == "catch_up":
            return self.state != "stopped"
        return self.state in ("waiting", "running")

    # ------------------------------------------------- what one run writes down

    def _begin(self):
        """Take the next page up: return its :class:`Place`, ``None`` if stopped."""
        if not self.exists() or not self._is_open():
            return None
        values = {"state": "running", "next_attempt_at": False}
        if not self.counted:
            # Not merely interrupted: its first page may be half counted.
            values.update(self._beginning(fields.Datetime.now()))
        self.write(values)
        return Place(self.start, self.stop, self.page or None)

    def _beginning(self, now):
        """Return what the row holds before its first page."""
        values = dict.fromkeys((*COUNTS, "failed_count", "rows", "progress"), 0)
        values.update(page=False, counted=[[], []], error=False)
        if self.kind == "catch_up":
            mark = self.until
            # A mark that is yet to come is of a clock that went wrong: what it hides
            # nobody knows.
            known = mark and mark <= now + timedelta(minutes=5)
            start = mark - OVERLAP if known else now - timedelta(days=FIRST_DAYS)
            values.update(start=start, stop=now)
        else:
            values["until"] = False
        return values

    def _is_at(self, place):
        """Tell whether this still runs, where the page was read."""
        return bool(
            self.exists()
            and self.state == "running"
            and (self.start, self.stop, self.page or None) == place
        )

    def _count(self, groups, verdicts, broken):
        """Count each call once, though its legs may be spread over two pages.

        :param dict verdicts: ``{ref: "new", "completed" or "unchanged"}``, with
            ``"corrected"`` besides, as ``CallLog.add_history``.
        """
        before, lately = self.counted or ([], [])
        seen = {*before, *lately}
        values = {}
        for ref, words in verdicts.items():
            for word in words:
                if word == "corrected" or ref not in seen:
                    name = f"{word}_count"
                    values[name] = values.get(name, self[name]) + 1
        self.write({**values, "counted": [before, [*lately, *verdicts, *groups]]})
        if broken:
            named = "\n".join(
                f"{ref}: {error}"
                for ref, error in itertools.islice(broken.items(), MAX_NAMED)
            )
            self.failed_count += len(broken)
            self.error = self.env._(
                "Some calls could not be written. The server's log says more.\n%s",
                named,
            )

    def _finish_page(self, page):
        """Note that a page is written, and what comes after it."""
        now = fields.Datetime.now()
        covered = min(filter(None, (page.until, self.stop)))
        counted = self.counted or ([], [])
        values = {
            "page": page.next or False,
            "rows": self.rows + page.rows,
            "counted": [counted[1], []],
            "progress": max(self.progress, self._percent(covered)),
        }
        if not self.failed_count:
            values["error"] = False  # it works again
        if self.kind == "period":
            values["until"] = covered if page.until else self.until
        if page.next is None:
            values.update(
                state="done",
                progress=100,
                counted=False,
                next_attempt_at=now + AGAIN if self.kind == "catch_up" else False,
                until=covered,
            )
        self.write(values)
        self.env["pbx.notifier"]._history_changed(self)

    def _percent(self, covered):
        whole = (self.stop - self.start).total_seconds()
        part = (covered - self.start).total_seconds()
        return min(max(100 * part / whole, 0), 99) if whole > 0 else 0

    def _not_read(self, progress, error):
        """Note why there was no page, and when to try again.

        :param Progress progress: what the reader makes of ``error``.
        """
        if not self.exists() or self.state != "running":
            return
        now = fields.Datetime.now()
        passing = progress in (Progress.LIMITED, Progress.WAITING)
        if progress is Progress.LIMITED:
            pause = timedelta(seconds=error.retry_after)
        else:
            pause = SOON if passing else AGAIN
            self.error = self._why(error)
        again = passing or self.kind == "catch_up"
        self.state = "waiting" if passing else "failed"
        self.next_attempt_at = now + pause if again else False
        if passing:
            self._wake(self.next_attempt_at)
        elif not isinstance(error, (errors.WrongKey, errors.AddressNotAllowed)):
            # Perhaps it is this very page that the PBX does not know any more.
            self.write({"page": False, "counted": False})
        self.env["pbx.notifier"]._history_changed(self)

    def _why(self, error):
        if isinstance(error, (errors.PbxError, NotOffered)):
            return self.provider_id._explain(error)
        return f"{type(error).__name__}: {error}"[:2000]

    def _result(self):
        """Return what the row says of the last run, as plain values."""
        names = (*COUNTS, "failed_count", "error", "next_attempt_at", "state")
        return {name: self[name] for name in names}
