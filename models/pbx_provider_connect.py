"""“Connect”: everything that the PBX has to be told and asked, step by step.

Each step says what came of it in the check list, and can be taken again at any time: it
changes what differs, and says what that was.
"""

import logging
import time
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.tools import SQL

from ..telephony import dialect as dialects
from ..telephony import errors
from .pbx_check import STEPS
from .secret_field import Secret

_logger = logging.getLogger(__name__)

# Without these nothing works; the others are a loss, no stop.
ESSENTIAL = ("keys", "address", "notifications")
# Seconds after which a person's click begins no other step; a job has more time.
PATIENCE, PATIENCE_OF_JOB = 25, 120


class Result(NamedTuple):
    """What came of a step; ``changes`` are sentences."""

    state: str
    message: str
    changes: tuple = ()


class Asking:
    """One press of the button: whom to ask, until when, and what is known by now."""

    def __init__(self, provider, urgent):
        self.dialect, self.account = provider._speak(urgent)
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

    connected_at = fields.Datetime(
        readonly=True, copy=False, help="When the PBX last took the webhook address."
    )
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
    former_url_ids = fields.One2many(
        "pbx.former.url", "provider_id", groups="base.group_system"
    )
    former_url = Secret(
        string="Address before",
        compute="_compute_former_url",
        groups="base.group_system",
        help="Where the PBX sent its events before it was connected to this Odoo. "
        "Enter it there again to give them back.",
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

    @api.depends("former_url_ids.url")
    def _compute_former_url(self):
        for provider in self:
            provider.former_url = provider.former_url_ids[:1].url

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
        asking, rest, results = Asking(self, urgent), None, {}
        for step, _label in STEPS:
            if rest is None and asking.is_late:
                self._wake_refresh(5)
                rest = Result("waiting", self.env._("The PBX is slow; this goes on."))
            if rest:
                results[step] = rest
                continue
            results[step], rest = self._take_step(step, asking)
        checks = self._write_checks(results)
        self._settle()
        return checks

    def _take_step(self, step, asking):
        """Return a step's :class:`Result`, and that of the rest if it is given up."""
        try:
            with self.env.cr.savepoint():
                result = getattr(self, f"_connect_{step}")(asking)
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
            if self._is_the_end(error, asking):
                return failed, self._not_tried()
            return failed, None
        missing = step == "keys" and result.state == "failed"
        return result, self._not_tried() if missing else None

    def _not_tried(self):
        return Result("skipped", self.env._("Not tried."))

    @staticmethod
    def _is_the_end(error, asking):
        """Tell whether it is no use to ask anything else now."""
        if isinstance(error, errors.WrongKey | errors.AddressNotAllowed):
            return True
        # Who has answered before may do so again; patience ends by itself.
        return (
            isinstance(error, errors.Unreachable)
            and not asking.account.wire.has_answered
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

    def _settle(self):
        """Let the state of the connection follow from the steps that it needs."""
        checks = {check.step: check for check in self.check_ids}
        essential = [checks[step] for step in ESSENTIAL if step in checks]
        failed = [check for check in essential if check.state == "failed"]
        if failed:
            told = "\n".join(f"{check._label()}: {check.message}" for check in failed)
            self._put({"state": "error", "last_error": told})
        elif "waiting" not in {check.state for check in essential}:
            # Steps that were not tried say nothing: what was known before counts.
            address = checks.get("address")
            there = address and address.state in ("ok", "warning")
            state = "connected" if there or self.connected_url else "draft"
            self._put({"state": state, "last_error": False})

    def _put(self, values):
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

    # ------------------------------------------------------------- keys and clock

    def _connect_keys(self, asking):
        account, name = asking.account, asking.dialect.label
        if not (account.key and account.secret):
            return Result("failed", self.env._("Enter key and secret first."))
        try:
            balance = asking.dialect.fetch_balance(account)
        except dialects.NotOffered:
            asking.dialect.fetch_extensions(account)
            return Result("ok", self.env._("%s accepts the keys.", name))
        self._note_balance(balance)
        self._keys_are_good()
        message = self.env._(
            "%(pbx)s accepts the keys. Balance: %(balance)s",
            pbx=name,
            balance=self.balance,
        )
        low = self._low_balance()
        return Result("warning", f"{message}\n{low}") if low else Result("ok", message)

    def _connect_clock(self, asking):
        offset, before = asking.dialect.fetch_offset(asking.account), self.utc_offset
        try:
            dialects.fixed_zone(offset)
        except ValueError as error:
            raise errors.BadAnswer(str(error)) from error
        changes = []
        if self._put({"utc_offset": offset}) and before:
            changes.append(
                self.env._("Offset: %(new)s instead of %(old)s", new=offset, old=before)
            )
        told = self.env._("The clock of the PBX is at %s.", offset)
        if not self.tz:
            told = self.env._(
                "The clock of the PBX is at %s. Choose the time zone of the account as "
                "well: an offset knows no summer time.",
                offset,
            )
        elif not self._offset_agrees():
            told = self.env._(
                "The PBX says its clock is at %(offset)s; the time zone %(zone)s "
                "is at another offset today.",
                offset=offset,
                zone=self.tz,
            )
            return Result("warning", told, changes)
        return Result("ok", told, changes)

    # -------------------------------------------------------------------- address

    def _connect_address(self, asking):
        own = self.webhook_url
        if not own:
            return Result(
                "failed",
                self.env._("There is no address: enter an external address first."),
            )
        try:
            before = asking.setup().url
        except dialects.NotOffered:
            before = None
        foreign = bool(before) and not self._is_ours(before)
        if foreign:
            self._remember_former(before)
        try:
            # Also where it is set already: the PBX tries it again, and tells failures.
            asking.dialect.connect(asking.account)
        except (errors.BadParameter, errors.NotFound) as error:
            return Result("failed", self._explain_untaken(asking, error))
        self._put({"connected_url": own, "connected_at": fields.Datetime.now()})
        host = urlsplit(own).netloc
        changes, told = [], self.env._("The PBX reaches this Odoo at %s.", host)
        if foreign:
            changes.append(
                self.env._(
                    "Updated: this Odoo's address instead of one at %s.",
                    urlsplit(before).netloc,
                )
            )
        elif before == "":
            changes.append(self.env._("Added: events are sent to %s.", host))
        elif before is not None and before != own:
            changes.append(self.env._("Updated: an earlier address of this Odoo."))
        warnings = self._address_warnings(before if foreign else "")
        if warnings:
            return Result("warning", "\n".join([told, *warnings]), changes)
        return Result("ok", told, changes)

    def _is_ours(self, address):
        """Tell whether an address at the PBX leads, or led, to this cloud PBX."""
        theirs, own = urlsplit(address), urlsplit(self.webhook_url)
        same_place = (
            theirs.hostname == own.hostname
            and theirs.path.rpartition("/")[0] == (own.path.rpartition("/")[0])
        )
        return same_place or address in (self.connected_url, self.webhook_url)

    def _remember_former(self, address):
        """Keep where the events went before, whatever becomes of our transaction."""
        if self.former_url == address:
            return
        with self.env.registry.cursor() as cr:
            # sudo: written by us alone, read by administrators.
            self.with_env(self.env(cr=cr)).env["pbx.former.url"].sudo().create(
                {"provider_id": self.id, "url": address, "at": fields.Datetime.now()}
            )

    def _explain_untaken(self, asking, error):
        return self.env._(
            "%(pbx)s tried the webhook address and does not take it (%(said)s). It has "
            "to reach this Odoo from outside: compare external address and port, or "
            "press “Check”.",
            pbx=asking.dialect.label,
            said=error.detail,
        )

    def _address_warnings(self, foreign):
        """Return what is wrong with the address although it works.

        :param str foreign: where the events went before, if that was somewhere else.
        """
        warnings = []
        if foreign:
            warnings.append(
                self.env._(
                    "Before, the PBX sent its events to %s. That integration gets none "
                    "any more; its address is kept on the page “Address”.",
                    urlsplit(foreign).netloc,
                )
            )
        if not self.is_running:
            warnings.append(
                self.env._(
                    "Inactive: nobody active is entered under “Run as”, so events are "
                    "refused."
                )
            )
        inside = self._is_inside(self.webhook_url)
        if inside and self._is_inside(self.server_url):
            warnings.append(
                self.env._(
                    "Both are inside your own network. A PBX on the internet cannot "
                    "reach this address."
                )
            )
        elif inside:
            warnings.append(
                self.env._(
                    "The webhook address lies inside your own network. A PBX on the "
                    "internet cannot reach it: enter an external address."
                )
            )
        if urlsplit(self.webhook_url).scheme == "http":
            warnings.append(
                self.env._(
                    "The address is plain HTTP: who called whom can be read on the "
                    "way. HTTPS is better."
                )
            )
        return warnings

    # -------------------------------------------------------------- notifications

    def _connect_notifications(self, asking):
        dialect = asking.dialect
        wanted = {
            name: self[f"notify_{name}"]
            for name in dialect.notifications
            if f"notify_{name}" in self._fields
        }
        told = asking.setup().notifications
        differing = {
            name: on for name, on in wanted.items() if told.get(name) is not on
        }
        changes = []
        if differing:
            dialect.switch_notifications(asking.account, differing)
            labels = {
                name: self._fields[f"notify_{name}"]._description_string(self.env)
                for name in differing
            }
            on = ", ".join(labels[name] for name in differing if differing[name])
            off = ", ".join(labels[name] for name in differing if not differing[name])
            if on:
                changes.append(self.env._("Switched on: %s", on))
            if off:
                changes.append(self.env._("Switched off: %s", off))
        self._put({"events_changed": False})
        if not wanted.get("answer", True):
            return Result(
                "warning",
                self.env._(
                    "The notification of answers is off. Without it nobody knows who "
                    "speaks, and the talk is not shown before it ends."
                ),
                changes,
            )
        return Result(
            "ok",
            self.env._(
                "%(on)s of %(all)s kinds of events are sent.",
                on=sum(wanted.values()),
                all=len(wanted),
            ),
            changes,
        )
