"""A call's note at its contact or lead, for users who wish so."""

import logging
from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models, tools
from odoo.tools import format_duration

_logger = logging.getLogger(__name__)

# Older calls are noted when somebody writes about them, and not when they are imported.
FRESH = timedelta(days=1)
# What a note repeats of a call.
REPEATED = frozenset(("note", "partner_id", "lead_id", "user_id"))


class PbxChatter(models.AbstractModel):
    """Keeps one note per call in the chatter of its lead, or else of its contact.

    It is posted when the call is over, and follows what is written later: another note,
    another contact. Only calls of users who wish so have one.
    """

    _name = "pbx.chatter"
    _description = "Notes about calls in the chatter"

    @api.model
    @tools.ormcache()
    def _users_who_wish(self):
        """Return the ids of those who have their calls noted: kept in memory."""
        # sudo: a preference, asked for with each call that ends
        users_sudo = self.env["res.users"].sudo()
        return frozenset(users_sudo.search([("pbx_log_calls", "=", True)]).ids)

    @api.model
    def _call_changed(self, calls):
        """These calls were written, by the PBX or by people."""
        wishing = self._users_who_wish()
        if not wishing:
            return
        # sudo: whose call it is decides, whoever wrote
        for call in calls.sudo():
            if call.state == "done" and call.user_id.id in wishing:
                self._note(call)

    def _note(self, call):
        """Post, change or move the note of a call that is over."""
        record, message = self._place(call), call.chatter_message_id
        if message and (message.model, message.res_id) != (record._name, record.id):
            # It was somebody else who called.
            message.unlink()
            message = message.browse()
        if not record:
            return
        body = self._body(call.with_context(lang=call.user_id.lang))
        if not message:
            is_fresh = call.start > fields.Datetime.now() - FRESH
            if is_fresh or call.note:
                call.chatter_message_id = record.message_post(
                    body=body,
                    author_id=call.user_id.partner_id.id,
                    subtype_xmlid="mail.mt_note",
                )
        elif message.body != body:
            message.body = body

    def _place(self, call):
        """Return where the note belongs, with the system's rights; empty: nowhere."""
        for record in (call.lead_id, call.partner_id):
            # Not where its user may not look.
            if record and record.with_user(call.user_id).has_access("read"):
                return record.with_context(mail_post_autofollow=False)
        return call.partner_id.browse()

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
