"""The steps of “Connect” about the account itself: keys, clock, address, notifications.

Each can be taken again at any time: it changes what differs, and says what that was.
"""

from urllib.parse import urlsplit

from odoo import api, fields, models

from ...telephony import dialect as dialects
from ...telephony import errors
from ..tools.secret_field import Secret
from .connect import Result


class PbxProvider(models.Model):
    _inherit = "pbx.provider"

    connected_at = fields.Datetime(
        readonly=True, copy=False, help="When the PBX last took the webhook address."
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

    @api.depends("former_url_ids.url")
    def _compute_former_url(self):
        for provider in self:
            provider.former_url = provider.former_url_ids[:1].url

    # ------------------------------------------------------------- keys and clock

    def _connect_keys(self, run):
        account, name = run.account, run.dialect.label
        if not (account.key and account.secret):
            return Result("failed", self.env._("Enter key and secret first."))
        try:
            balance = run.dialect.fetch_balance(account)
        except dialects.NotOffered:
            run.dialect.fetch_extensions(account)
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

    def _connect_clock(self, run):
        offset, before = run.dialect.fetch_offset(run.account), self.utc_offset
        try:
            dialects.fixed_zone(offset)
        except ValueError as error:
            raise errors.BadAnswer(str(error)) from error
        changes = []
        if self._write_changes({"utc_offset": offset}) and before:
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

    def _connect_address(self, run):
        own = self.webhook_url
        if not own:
            return Result(
                "failed",
                self.env._("There is no address: enter an external address first."),
            )
        try:
            before = run.setup().url
        except dialects.NotOffered:
            before = None
        foreign = bool(before) and not self._is_ours(before)
        if foreign:
            self._remember_former(before)
        try:
            # Also where it is set already: the PBX tries it again, and tells failures.
            run.dialect.connect(run.account)
        except (errors.BadParameter, errors.NotFound) as error:
            return Result("failed", self._explain_untaken(run, error))
        self._write_changes(
            {"connected_url": own, "connected_at": fields.Datetime.now()}
        )
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

    def _explain_untaken(self, run, error):
        return self.env._(
            "%(pbx)s tried the webhook address and does not take it (%(said)s). It has "
            "to reach this Odoo from outside: compare external address and port, or "
            "press “Check”.",
            pbx=run.dialect.label,
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

    def _connect_notifications(self, run):
        dialect = run.dialect
        wanted = {
            name: self[f"notify_{name}"]
            for name in dialect.notifications
            if f"notify_{name}" in self._fields
        }
        told = run.setup().notifications
        differing = {
            name: on for name, on in wanted.items() if told.get(name) is not on
        }
        changes = []
        if differing:
            dialect.switch_notifications(run.account, differing)
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
        self._write_changes({"events_changed": False})
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
