"""“Connect”: the button, and how its steps are taken one after another.

Each step says what came of it in the check list.
"""

import time
from datetime import timedelta
from typing import NamedTuple

from odoo import api, fields, models
from odoo.tools import SQL

from ...telephony import dialect as dialects
from ...telephony import errors
from .pbx_check import STEPS

# Without these nothing works; the others are a loss, no stop.
ESSENTIAL = ("keys", "address", "notifications")
# Seconds after which a person's click begins no other step; a job has more time.
PATIENCE, PATIENCE_OF_JOB = 25, 120


class Result(NamedTuple):
    """What came of a step; ``changes`` are sentences."""

    state: str
    message: str
    changes: tuple = ()


class ConnectRun:
    """One press of the button: whom to ask, until when, and what is known by now."""

    def __init__(self, provider, urgent):
        self.dialect, self.account = provider._open_api(urgent)
        self.urgent = urgent
        self.deadline = time.monotonic() + (PATIENCE if urgent else PATIENCE_OF_JOB)
        self._setup = None

    @property
    def is_late(self):
        return time.monotonic() > self.deadline

    def setup(self):
        """Return what the PBX is set to, asked for once."""
        if self._setup is None:
            self._setup = self.dialect.fetch_setup(self.account)
        return self._setup


class PbxProvider(models.Model):
    _inherit = "pbx.provider"

    check_ids = fields.One2many(
        "pbx.check", "provider_id", readonly=True, groups="base.group_system"
    )
    check_list = fields.Html(
        compute="_compute_check_list", sanitize=False, groups="base.group_system"
    )
    has_alert = fields.Boolean(
        compute="_compute_has_alert",
        groups="base.group_system",
        help="There is an error that the check list does not show.",
    )

    @api.depends("check_ids.state", "check_ids.message", "check_ids.detail")
    def _compute_check_list(self):
        for provider in self:
            checks = provider.check_ids
            states = dict(checks._fields["state"]._description_selection(self.env))
            provider.check_list = bool(checks) and self.env["ir.qweb"]._render(
                "cloud_pbx.check_list", {"checks": checks, "states": states}
            )

    @api.depends("last_error", "check_ids.state")
    def _compute_has_alert(self):
        for provider in self:
            shown = "failed" in provider.check_ids.mapped("state")
            provider.has_alert = bool(provider.last_error) and not shown

    # ----------------------------------------------------------------- the button

    def action_connect(self):
        """Set the PBX up, take over what it tells, and say what came of each step."""
        self.ensure_one()
        self.check_access("write")
        # sudo: the list and the lines are ours to write; the right to was asked for.
        checks = self.sudo()._connect(urgent=True)
        if not checks:
            return self._notify(
                self.env._("It is being connected at this moment."), "info"
            )
        troubles = checks.filtered(lambda check: check.state in ("failed", "warning"))
        waiting = checks.filtered(lambda check: check.state == "waiting")
        told = [f"{check._label()}: {check.message}" for check in troubles or waiting]
        if "failed" in troubles.mapped("state"):
            return self._notify("\n".join(told), "danger", sticky=True)
        if troubles:
            told.insert(0, self.env._("Connected. Please look at this:"))
            return self._notify("\n".join(told), "warning", sticky=True)
        if waiting:
            return self._notify("\n".join(told), "info", sticky=True)
        changed = any(checks.mapped("detail"))
        return self._notify(
            self.env._("Connected. The list says what was changed.")
            if changed
            else self.env._("Connected. Nothing had to be changed."),
            "success",
        )

    def _connect(self, urgent=False):
        """Take all steps and write the check list; return its rows.

        None, if somebody else takes them at this moment.

        :param bool urgent: a person waits.
        """
        self.ensure_one()
        # No lock of the row: events that come in meanwhile would wait for it.
        [[mine]] = self.env.execute_query(
            SQL(
                "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))",
                f"pbx.provider/connect/{self.id}",
            )
        )
        if not mine:
            return self.env["pbx.check"]
        run, rest, results = ConnectRun(self, urgent), None, {}
        for step, _label in STEPS:
            if rest is None and run.is_late:
                self._wake_refresh(5)
                rest = Result("waiting", self.env._("The PBX is slow; this goes on."))
            if rest:
                results[step] = rest
                continue
            results[step], rest = self._take_step(step, run)
        checks = self._write_checks(results)
        self._update_state()
        return checks

    def _take_step(self, step, run):
        """Return a step's :class:`Result`, and that of the rest if it is given up."""
        try:
            with self.env.cr.savepoint():
                result = getattr(self, f"_connect_{step}")(run)
        except dialects.NotOffered as error:
            return Result("skipped", self._explain(error)), None
        except errors.RateLimited as error:
            self._wake_refresh(error.retry_after)
            waiting = Result(
                "waiting",
                self.env._(
                    "The PBX was asked as often as it allows. This goes on by itself "
                    "in %s seconds.",
                    error.retry_after,
                ),
            )
            return waiting, waiting
        except errors.PbxError as error:
            failed = Result("failed", self._explain(error))
            if self._is_the_end(error, run):
                return failed, self._not_tried()
            return failed, None
        missing = step == "keys" and result.state == "failed"
        return result, self._not_tried() if missing else None

    def _not_tried(self):
        return Result("skipped", self.env._("Not tried."))

    @staticmethod
    def _is_the_end(error, run):
        """Tell whether it is no use to ask anything else now."""
        if isinstance(error, errors.WrongKey | errors.AddressNotAllowed):
            return True
        # Who has answered before may do so again; patience ends by itself.
        return (
            isinstance(error, errors.Unreachable) and not run.account.wire.has_answered
        )

    def _write_checks(self, results):
        """Write results of steps into the check list; return their rows."""
        now, token = fields.Datetime.now(), self.webhook_token
        rows, known = self.env["pbx.check"], self.check_ids.grouped("step")
        for place, (step, _label) in enumerate(STEPS):
            if step not in results:
                continue
            state, message, changes = results[step]
            values = {
                "state": state,
                # A PBX may repeat our address in its refusal.
                "message": message.replace(token, "***"),
                "detail": "\n".join(changes).replace(token, "***") or False,
                "at": now,
            }
            if step in known:
                known[step].write(values)
                rows += known[step]
            else:
                rows += rows.create(
                    {
                        **values,
                        "provider_id": self.id,
                        "step": step,
                        "sequence": place,
                    }
                )
        self.invalidate_recordset(["check_ids", "check_list"])
        return rows

    def _update_state(self):
        """Let the state of the connection follow from the steps that it needs."""
        checks = {check.step: check for check in self.check_ids}
        essential = [checks[step] for step in ESSENTIAL if step in checks]
        failed = [check for check in essential if check.state == "failed"]
        if failed:
            told = "\n".join(f"{check._label()}: {check.message}" for check in failed)
            self._write_changes({"state": "error", "last_error": told})
        elif "waiting" not in {check.state for check in essential}:
            # Steps that were not tried say nothing: what was known before counts.
            address = checks.get("address")
            there = address and address.state in ("ok", "warning")
            state = "connected" if there or self.connected_url else "draft"
            self._write_changes({"state": state, "last_error": False})

    def _write_changes(self, values):
        """Write what differs: each write of this row clears the memory of all workers.

        :return: whether anything did.
        """
        differing = {name: new for name, new in values.items() if self[name] != new}
        if differing:
            self.write(differing)
        return bool(differing)

    def _wake_refresh(self, seconds=0):
        """Have the job go on where a limit stopped us."""
        at = fields.Datetime.now() + timedelta(seconds=seconds)
        # sudo: an administrator of one company may wake our own job.
        self.env.ref("cloud_pbx.ir_cron_refresh").sudo()._trigger(at=at)
