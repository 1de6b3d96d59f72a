"""Calls that wait for the job that makes leads: they are marked when they end."""

from odoo import fields

from ...telephony.event import INBOUND, SPOKEN
from ...telephony.lead import LATEST_REPORT, NEVER, effective_policy, is_late
from ..tools.transactions import before_commit

# What decides about a call that was looked at before.
DECISIVE = frozenset(
    (
        *("outcome", "direction", "number", "is_blocked", "tag_ids"),
        *("wait_seconds", "talk_seconds"),
    )
)
# What makes a talk with whom a lead is about.
OF_TALK = frozenset(("state", "outcome", "lead_id", "user_id"))
# What people write, or a look-up, and leads follow.
LEADS_FOLLOW = frozenset(("lead_id", "user_id", "tag_ids"))


class LeadQueue:
    """Marks calls from which leads may follow, and wakes the job.

    A plain class, for the calls of one company. What is wanted is in memory: a call
    from which no lead can follow costs nothing.
    """

    def __init__(self, env, company_id):
        self.env = env
        self.settings = env["res.company"]._lead_settings(company_id)

    @classmethod
    def calls_written(cls, calls, names):
        """People, or a look-up, wrote the fields ``names`` of these calls."""
        since = fields.Datetime.now() - LATEST_REPORT
        # sudo: what follows from a call does not depend on who wrote
        over = calls.sudo().filtered(
            lambda one: one.state == "done" and (one.stop or one.start) > since
        )
        marked, marks = over.browse(), {}
        for call in over:
            queue = cls(call.env, call.company_id.id)
            own = queue.marks(call, {}, names, call.line_id.lead_policy)
            if own:
                marked, marks = marked | call, own
        if marked:
            marked.write(marks)

    def marks(self, call, values, changed, line_policy):
        """Return the values that mark a call, none if no lead can follow from it.

        :param call: what is known of it, perhaps nothing.
        :param dict values: what it gets now.
        :param changed: names of the fields that are different now.
        :param str line_policy: of the line that was called.
        """

        def now(name):
            return values[name] if name in values else call[name]

        if now("state") != "done":
            return {}
        policy = effective_policy(line_policy, self.settings.policy)
        may_make_one = policy != NEVER and self._may_make_one(now, changed)
        if not may_make_one and not self._is_talk(now, changed):
            return {}
        if policy != NEVER:
            self._wake()
        return {"lead_after": fields.Datetime.now()}

    @staticmethod
    def _is_talk(now, changed):
        """Tell whether somebody spoke with whom a lead is about.

        The lead is theirs if nobody has it. Where no leads are wanted that is rare, and
        can wait until the job runs anyway.
        """
        return bool(
            OF_TALK.intersection(changed)
            and now("outcome") == SPOKEN
            and now("lead_id")
            and now("user_id")
            and not is_late(now("stop"), now("reported_at"))
        )

    @staticmethod
    def _may_make_one(now, changed):
        stop, verdict = now("stop"), now("lead_verdict")
        if (
            now("direction") != INBOUND
            or not now("number")
            or now("is_blocked")
            or verdict == "lead"
            or is_late(stop, now("reported_at"))
        ):
            return False
        if "state" in changed:
            return True
        # Calls of before anybody wanted leads were never looked at, and stay so.
        if verdict != "none" or not DECISIVE.intersection(changed):
            return False
        return not is_late(stop, now("last_event_at"))

    def _wake(self):
        """Wake the job, once in a transaction."""
        before_commit(self.env, "cloud_pbx.leads", dict, lambda _none: self._trigger())

    def _trigger(self):
        # sudo: whoever writes a call may wake our own job
        self.env.ref("cloud_pbx.ir_cron_leads").sudo()._trigger()
