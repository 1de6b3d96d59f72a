"""Activities that follow from the tags of a call."""

import logging
from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain

from ..tools.companies import of_all_companies
from ..tools.transactions import CONFLICTS

_logger = logging.getLogger(__name__)

# Of a call that ended longer ago nothing is planned once its contact is found.
LONGEST_WAIT = timedelta(days=7)
BATCH = 200
WAITING, PLANNED = "waiting", "planned"


class TagActivities:
    """Plans the activity of each tag that has one, once per call and tag.

    A plain class: it carries the environment of one run. It is planned once the call
    is over and its lead or contact is known; until then the call remembers who put it:
    ``{"waiting": {"<id of a tag>": id of a user}, "planned": [id of a tag]}``.
    """

    def __init__(self, env):
        # sudo: whoever may tag a call has its activities planned, also on a contact
        # that they may not write
        self.env = env(su=True)

    def note(self, calls, added, removed):
        """Note which tags were put, and which taken, and plan what can be planned.

        :param dict added: ``{call id: tags}``.
        :param dict removed: likewise.
        """
        for call in calls.with_env(self.env):
            memory = call.tag_activities or {}
            waiting = dict(memory.get(WAITING, {}))
            planned = memory.get(PLANNED, [])
            for tag in removed.get(call.id, ()):
                waiting.pop(str(tag), None)
            tags = self.env["pbx.call.tag"].browse(added.get(call.id, ()))
            for tag in tags.filtered("activity_type_id"):
                if tag.id not in planned:
                    # Of two calls that are joined: who put it, not who joins them.
                    waiting.setdefault(str(tag.id), self.env.uid)
            self._remember(call, waiting, planned)
            if waiting:
                self._plan(call)

    def plan_waiting(self):
        """Plan what waited for the end of a call, or for its lead or contact.

        The newest first. Calls of which nobody knows who it was are left alone: they
        may be many, and wait for days.

        :return: whether that is done, as far as it can be: else time was up.
        """
        progress = self.env["ir.cron"]._commit_progress
        calls = self._calls_to_plan()
        while calls:
            for call in calls:
                self._plan_apart(call)
            following = self._calls_to_plan(Domain("id", "<", calls[-1].id))
            if not progress(len(calls), remaining=len(following)):
                return not following
            calls = following
        return True

    def _calls_to_plan(self, part=Domain.TRUE):
        long_ago = fields.Datetime.now() - LONGEST_WAIT
        is_known = Domain("lead_id", "!=", False) | Domain("partner_id", "!=", False)
        return self.env["pbx.call"].search(
            Domain("has_activities_waiting", "=", True)
            & Domain("state", "=", "done")
            & (is_known | Domain("start", "<", long_ago))
            & part,
            order="id desc",
            limit=BATCH,
        )

    def _plan_apart(self, call):
        """Plan what waits of one call. One that cannot be planned costs no other."""
        if (call.stop or call.start) < fields.Datetime.now() - LONGEST_WAIT:
            self._remember(call, {}, (call.tag_activities or {}).get(PLANNED, []))
            return
        try:
            with self.env.cr.savepoint():
                self._plan(call)
        except CONFLICTS:
            # An event of the call, such as that of its recording.
            _logger.info("Call %s: somebody else writes it", call.id)
            soon = fields.Datetime.now() + timedelta(minutes=1)
            self.env.ref("cloud_pbx.ir_cron_tags")._trigger(at=soon)
        except (AccessError, UserError, ValidationError):
            _logger.warning(
                "Call %s: no activity was planned for its tags",
                call.id,
                exc_info=True,
            )

    def merge(self, gone, kept):
        """Let ``kept`` remember what was planned for ``gone``: they are one call."""
        memories = [call.tag_activities or {} for call in (kept, gone)]
        planned = {tag for memory in memories for tag in memory.get(PLANNED, ())}
        waiting = {
            tag: user
            for memory in memories
            for tag, user in memory.get(WAITING, {}).items()
            if int(tag) not in planned
        }
        self._remember(kept.with_env(self.env), waiting, sorted(planned))

    def _plan(self, call):
        if call.state != "done":
            return
        memory = call.tag_activities
        waiting, planned = dict(memory[WAITING]), list(memory.get(PLANNED, []))
        tags = self.env["pbx.call.tag"].browse(int(tag_id) for tag_id in waiting)
        for tag in tags.exists() & call.tag_ids:
            kind = tag.activity_type_id
            user = self.env["res.users"].browse(waiting[str(tag.id)]).exists()
            record, responsible = self._place(call, kind, user)
            if not record:
                continue
            # In their own name, whoever brings the end of the call.
            author = user if user.active else self.env.user
            record.with_user(author).sudo().activity_schedule(
                activity_type_id=kind.id,
                date_deadline=kind.with_user(author).sudo()._get_date_deadline(),
                user_id=responsible.id,
            )
            waiting.pop(str(tag.id))
            planned.append(tag.id)
        self._remember(call, waiting, planned)

    def _place(self, call, kind, user):
        """Return the record that gets the activity, and who is responsible.

        That is who put the tag; where they may not look, its salesperson.
        """
        for record in (call.lead_id, call.partner_id):
            if not kind or not record or kind.res_model not in (False, record._name):
                continue
            for responsible in (user, record.user_id):
                if (
                    responsible.active
                    and not responsible.share
                    and of_all_companies(record.with_user(responsible)).has_access(
                        "read"
                    )
                ):
                    return record, responsible
        return None, None

    @staticmethod
    def _remember(call, waiting, planned):
        memory = {WAITING: waiting, PLANNED: planned} if waiting or planned else False
        if (call.tag_activities or False) != memory:
            call.write(
                {"tag_activities": memory, "has_activities_waiting": bool(waiting)}
            )
