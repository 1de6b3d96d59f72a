"""A call's note in the chatter of its lead, or else of its contact."""

import logging
from datetime import timedelta

import psycopg2
from markupsafe import Markup

from odoo import api, fields, models, tools
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL, format_duration

from ...telephony.event import INBOUND
from ...telephony.promise import LOST_OUTCOMES
from ..tools.quiet import QUIET
from ..tools.transactions import (
    CONFLICTS,
    before_commit,
    in_own_transaction,
    lock_rows,
)

_logger = logging.getLogger(__name__)

# Older calls are noted when somebody writes about them, and not when they are imported.
FRESH = timedelta(days=1)
# What a note repeats of a call that people write.
REPEATED = frozenset(("note", "partner_id", "lead_id", "user_id"))
# What it repeats besides, or follows from.
NOTED = REPEATED | {"state", "outcome", "direction", "number", "talk_seconds"}
# Rows that are read together.
BATCH = 200


class PbxChatter(models.Model):
    """Calls whose note is to be posted, changed or moved.

    There is one note per call, in the chatter of its lead, or else of its contact.
    Calls have one if their company or their user wishes so. It is posted when the call
    is over, and follows what is written later: another note, another contact.

    What people write is followed at once. Where a machine writes it is done by a job,
    woken at once: posting costs more than all that a webhook does besides.
    """

    _name = "pbx.chatter"
    _description = "Calls to be noted in the chatter"
    _log_access = False

    call_id = fields.Many2one("pbx.call", required=True, index=True, ondelete="cascade")

    # ------------------------------------------------------------- which calls have one

    @api.model
    @tools.ormcache()
    def _users_who_wish(self):
        """Return the ids of those who have their calls noted: kept in memory."""
        # sudo: a preference, asked for with each call that ends
        users_sudo = self.env["res.users"].sudo()
        return frozenset(users_sudo.search([("pbx_log_calls", "=", True)]).ids)

    @api.model
    @tools.ormcache()
    def _policies(self):
        """Return ``{company id: policy}`` of who wishes notes: kept in memory."""
        # sudo: a setting, asked for with each call that ends
        companies_sudo = self.env["res.company"].sudo()
        wishing = companies_sudo.search([("pbx_chatter_log", "!=", "none")])
        return {company.id: company.pbx_chatter_log for company in wishing}

    def _company_wishes(self, call):
        policy = self._policies().get(call.company_id.id)
        if policy != "lost":
            return policy == "all"
        return (
            call.direction == INBOUND
            and call.outcome in LOST_OUTCOMES
            and not call.is_blocked
        )

    def _has_note(self, call):
        """Tell whether a call has a note, or is to have one."""
        if call.state != "done":
            return False
        if call.chatter_message_id:
            return True
        is_fresh = call.start > fields.Datetime.now() - FRESH
        return bool(
            (call.lead_id or call.partner_id)
            and (is_fresh or call.note)
            and (
                call.user_id.id in self._users_who_wish() or self._company_wishes(call)
            )
        )

    @api.model
    def _is_wished(self):
        """Tell whether there is anybody who wishes notes."""
        return bool(self._users_who_wish() or self._policies())

    # --------------------------------------------------------------------- what follows

    @api.model
    def _call_changed(self, calls):
        """These calls were written, by a machine or by people."""
        if not self._is_wished():
            return
        # sudo: whose call it is decides, whoever wrote
        noted_sudo = calls.sudo().filtered(self._has_note)
        if calls.env.su:
            self._request(noted_sudo)
            return
        for call in noted_sudo:
            self._write_note(call)

    @api.model
    def _call_merged(self, gone, kept):
        """The call ``gone`` is the same as ``kept``: so is their note."""
        if gone.chatter_message_id and kept.chatter_message_id:
            gone.chatter_message_id.unlink()
        elif gone.chatter_message_id:
            kept.chatter_message_id = gone.chatter_message_id

    # ------------------------------------------------------------------------ the queue

    @api.model
    def _request(self, calls):
        """Have the notes of these calls written after this transaction."""
        if calls:
            queue = before_commit(self.env, "cloud_pbx.chatter", set, self._write_queue)
            queue.update(calls.ids)

    @api.model
    def _write_queue(self, call_ids):
        """Write the rows of the queue, of calls that are still there; wake the job."""
        self.env.execute_query(
            SQL(
                """INSERT INTO pbx_chatter (call_id)
                   SELECT id FROM pbx_call WHERE id = ANY(%s) RETURNING 1""",
                sorted(call_ids),
            )
        )
        # sudo: our own job
        self.env.ref("cloud_pbx.ir_cron_chatter").sudo()._trigger()

    @api.model
    def _cron_notes(self):
        """Write the notes of the calls in the queue, each in its own transaction."""
        last_id, progress = 0, self.env["ir.cron"]._commit_progress
        while rows := self.search([("id", ">", last_id)], order="id", limit=BATCH):
            last_id = rows[-1].id
            left = len(rows) + self.search_count([("id", ">", last_id)], limit=1000)
            for same in rows.grouped("call_id").values():
                self._write_apart(same.ids)
                left -= len(same)
                if not progress(len(same), remaining=left):
                    return

    def _write_apart(self, row_ids):
        """Write the note of one call. One that cannot be written costs no other."""
        try:
            in_own_transaction(
                self.env, lambda env: env[self._name].browse(row_ids)._write_queued()
            )
        except (*CONFLICTS, psycopg2.errors.DiskFull) as error:
            # The next run tries it again.
            kind = type(error).__name__
            _logger.info("Calls to be noted %s: not now: %s", row_ids, kind)
        except Exception:  # noqa: BLE001
            _logger.exception("Calls to be noted %s: no note", row_ids)
            self.browse(row_ids).unlink()

    def _write_queued(self):
        """Write the note of the one call of these rows, which go."""
        rows = self.exists()
        call = rows.call_id.with_context(**QUIET)
        if call and not call.chatter_message_id and self._settles_later(call):
            return
        if call and self._has_note(call):
            try:
                with self.env.cr.savepoint():
                    self._write_note(call)
            except (AccessError, UserError):
                _logger.warning(
                    "Call %s: no note in the chatter", call.id, exc_info=True
                )
        rows.unlink()

    def _settles_later(self, call):
        """Tell whether a later leg may still open a lost call again; look then."""
        seconds = call._settles_in_seconds()
        if seconds:
            at = fields.Datetime.now() + timedelta(seconds=seconds)
            self.env.ref("cloud_pbx.ir_cron_chatter")._trigger(at=at)
        return bool(seconds)

    # ------------------------------------------------------------------------- the note

    def _write_note(self, call):
        """Post, change or move the note of a call that is over."""
        lock_rows(call, "NO KEY UPDATE")
        record, message = self._place(call), call.chatter_message_id
        if message and (message.model, message.res_id) != (record._name, record.id):
            # It was somebody else who called.
            message.unlink()
            message = message.browse()
        if not record:
            return
        author, lang = self._author(call)
        body = self._body(call.with_context(lang=lang))
        if not message:
            call.chatter_message_id = record.message_post(
                body=body, author_id=author.id, subtype_xmlid="mail.mt_note"
            )
        elif (message.body, message.author_id) != (body, author):
            message.write({"body": body, "author_id": author.id})

    def _place(self, call):
        """Return where the note belongs, with the system's rights; empty: nowhere."""
        # What only its user wishes is not put where that one may not look.
        reader = call.user_id.browse() if self._company_wishes(call) else call.user_id
        for record in (call.lead_id, call.partner_id):
            if record and (not reader or record.with_user(reader).has_access("read")):
                return record.with_context(mail_post_autofollow=False)
        return call.partner_id.browse()

    def _author(self, call):
        """Return in whose name it is written, and in which language: who spoke, else
        “run as” of the cloud PBX, else Odoo."""
        user = call.user_id or call.provider_id.user_id
        if user:
            return user.partner_id, user.lang
        return self.env.ref("base.partner_root"), call.company_id.partner_id.lang

    def _body(self, call):
        labels = {
            name: dict(call._fields[name]._description_selection(call.env))
            for name in ("direction", "outcome")
        }
        facts = [call.number_readable, labels["outcome"].get(call.outcome)]
        if call.talk_seconds:
            # Odoo writes hours and minutes so: minutes and seconds read the same.
            facts.append(format_duration(call.talk_seconds / 60))
        link = Markup(
            '<a href="/odoo/calls/{id}" data-oe-model="pbx.call" data-oe-id="{id}">'
            "{text}</a>"
        ).format(
            id=call.id,
            text=call.env._("Call: %s", labels["direction"].get(call.direction) or ""),
        )
        body = Markup("<p>{link} · {facts}</p>").format(
            link=link, facts=" · ".join(filter(None, facts))
        )
        if call.note:
            lines = Markup("<br>").join(call.note.splitlines())
            body += Markup("<p>{}</p>").format(lines)
        return body
