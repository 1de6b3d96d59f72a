"""Who is rung, or dials, is told that a call changed: on the screen, at once."""

from datetime import timedelta

from odoo import api, fields, models

# What a desk shows of a call, as far as the log has it.
SHOWN = (
    "state",
    "outcome",
    "number",
    "partner_id",
    "partner_source",
    "lead_id",
    "user_id",
    "participant_ids",
    "extension_id",
    "answer",
)
# What people write, and other desks show.
WRITTEN = frozenset(("note", "partner_id", "lead_id", "user_id"))
# A call that began longer ago raises no card: it was told late.
FRESH = timedelta(hours=6)
# So long after its end a call may still be on a screen.
LINGERS = timedelta(minutes=15)


class PbxCall(models.Model):
    _inherit = "pbx.call"

    @api.model
    def _write_facts(self, settings, facts, call):
        before = call._shown() if call else {}
        call = super()._write_facts(settings, facts, call)
        after = call._shown()
        if after != before:
            call._notify_change(before, after)
        return call

    def _create_click(self, click):
        call = super()._create_click(click)
        call._notify_desks()
        return call

    def write(self, vals):
        result = super().write(vals)
        if WRITTEN.intersection(vals) and not self.env.context.get("pbx_log"):
            now = fields.Datetime.now()
            for call in self.sudo():  # sudo: whom it concerns, whoever wrote
                if call.state != "done" or (call.stop or now) > now - LINGERS:
                    call._notify_desks()
        return result

    def unlink(self):
        # Joined to its other leg: whoever shows it asks, and learns that it is gone.
        for call in self.sudo():  # sudo: whom it concerns, whoever removes it
            if call.state != "done":
                call._notify_desks()
        return super().unlink()

    def _shown(self):
        # Plain values: the record goes on changing. Whether a participant is still
        # active is asked when somebody is told, and not for each event.
        call = self.with_context(active_test=False)
        shown = {
            name: call[name].ids if isinstance(call[name], models.BaseModel) else
            call[name] for name in SHOWN
        }  # fmt: skip
        # Handed on to somebody who was rung before: nothing else tells.
        facts = call.facts or ()
        shown["handed_on"] = sum("handed_by" in event for event in facts)
        return shown

    def _notify_change(self, before, after):
        was_done = before.get("state", "done") == "done"
        if was_done and after["state"] == "done":
            # Told late, or completed by the history: nobody has it on the screen,
            # unless it has just ended.
            lately = fields.Datetime.now() - LINGERS
            if not before or not self.stop or self.stop < lately:
                return
        was, now = before.get("participant_ids", []), after["participant_ids"]
        if before and {**before, "participant_ids": now} == after:
            # One more phone of a group rings: no card of the others shows it.
            self._notify_desks(set(was).symmetric_difference(now), others=False)
        else:
            self._notify_desks(was + before.get("user_id", []))

    def _notify_desks(self, also=(), others=True):
        """Tell the browsers of all whose call it is; ids, number and start only.

        Before the commit, and once, however often the call changes until then.

        :param also: ids of users whose call it was.
        :param others: False: tell nobody but them.
        """
        self.ensure_one()
        if self.start < fields.Datetime.now() - FRESH:
            return
        waiting = self.env.cr.precommit.data.setdefault("cloud_pbx.told", {})
        if not waiting:
            self.env.cr.precommit.add(self.sudo()._send_calls)
        everybody = self.env["res.users"]
        if others:
            call = self.with_context(active_test=False)
            everybody = call.participant_ids | self.user_id
        *_before, known = waiting.get(self.id, (set(),))
        told = {
            "id": self.id,
            "number": self.number or "",
            "start": fields.Datetime.to_string(self.start),
        }
        company = self.company_id.id
        waiting[self.id] = told, company, known.union(everybody.ids, also)

    @api.model
    def _send_calls(self):
        waiting = self.env.cr.precommit.data.pop("cloud_pbx.told", {})
        users = self.env["res.users"].browse(
            set().union(*(ids for *_told, ids in waiting.values()))
        )
        # One look at all of them: for who is archived, and for their channels. Whoever
        # may not read calls is told of none: groups and companies are in the cache.
        agents = users.filtered(
            lambda user: user.active and user.has_group("cloud_pbx.group_pbx_user")
        )
        for told, company, ids in waiting.values():
            agents.filtered(
                lambda user, company=company, ids=ids: (
                    user.id in ids and company in user._get_company_ids()
                )
            )._bus_send("cloud_pbx.call", told)
