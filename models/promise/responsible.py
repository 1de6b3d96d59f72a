"""Who calls a lost caller back."""

from datetime import timedelta

from odoo.tools import SQL

from .conditions import IS_UNTIMED

# Who spoke with a caller longer ago than this does not know them any more.
LAST_AGENT_DAYS = 90


class ResponsibleFinder:
    """Finds the first who is an active agent of the company, and not away until the
    deadline; if all are away, the first of them.

    :param env: with the system's rights: names of people, nothing of theirs is shown.
    """

    def __init__(self, env, company_id):
        self.env, self.company_id = env, company_id

    def find(self, values, rung):
        """Return ``(user id or False, why)``.

        :param dict values: of the promise: ``number``, ``partner_id``, ``lead_id``,
            ``line_id``, ``team_id``, ``began_at``, ``due_from`` and ``deadline``.
        :param list rung: ids of the users whose phones rang.
        """
        candidates = self._candidates(values, rung)
        users = self.env["res.users"].browse(user_id for user_id, _why in candidates)
        agents = set(users.filtered(self.is_agent).ids)
        candidates = [one for one in candidates if one[0] in agents]
        if not candidates:
            return False, False
        line = self.env["pbx.line"].browse(values.get("line_id") or ())
        company = self.env["res.company"].browse(self.company_id)
        away = self.env["pbx.availability"]._is_away(
            [user_id for user_id, _why in candidates],
            values["due_from"],
            values["deadline"],
            (line.calendar_id or company.resource_calendar_id).id,
            self.company_id,
        )
        present = [one for one in candidates if one[0] not in away]
        return (present or candidates)[0]

    def is_agent(self, user):
        """Tell whether ``user`` takes calls for the company."""
        return (
            user.active
            and not user.share
            and self.company_id in user._get_company_ids()
            and user.has_group("cloud_pbx.group_pbx_user")
        )

    def _candidates(self, values, rung):
        """Return ``[(user id, why)]``, each user once, the best first."""
        found = [
            *((user_id, "salesperson") for user_id in self._salespeople(values)),
            (self._last_agent(values), "last_agent"),
            (rung[0] if len(rung) == 1 else None, "rung"),
        ]
        line = self.env["pbx.line"].browse(values.get("line_id") or ())
        team = self.env["crm.team"].browse(values.get("team_id") or ())
        found += [(line.user_id.id, "line"), (team.user_id.id, "team")]
        by_user = {}
        for user_id, why in found:
            if user_id:
                by_user.setdefault(user_id, why)
        return list(by_user.items())

    def _salespeople(self, values):
        """Return the salesperson of the lead, else of the contact, else its company."""
        lead = self.env["crm.lead"].browse(values.get("lead_id") or ())
        partner = self.env["res.partner"].browse(values.get("partner_id") or ())
        for whose in (
            lead.filtered(lambda one: one.active and one.won_status == "pending"),
            partner,
            partner.commercial_partner_id,
        ):
            if whose.user_id:
                return whose.user_id.ids
        return []

    def _last_agent(self, values):
        """Return who spoke last with the caller before they were lost.

        Later talks say nothing: whoever tried to call back in vain, or spoke for too
        short, does not take the call-back over, whatever is reported first.
        """
        began_at = values["began_at"]
        settings = self.env["res.company"]._promise_settings(self.company_id)
        rows = self.env.execute_query(
            SQL(
                """SELECT call.user_id FROM pbx_call call
                    WHERE call.number = %(number)s AND call.company_id = %(company)s
                      AND call.outcome = 'answered' AND call.user_id IS NOT NULL
                      AND call.start > %(since)s AND call.start < %(began_at)s
                      AND (coalesce(call.talk_seconds, 0) >= %(min_talk)s
                           OR %(is_untimed)s)
                 ORDER BY call.start DESC, call.id DESC LIMIT 1""",
                number=values["number"],
                company=self.company_id,
                since=began_at - timedelta(days=LAST_AGENT_DAYS),
                began_at=began_at,
                min_talk=settings.min_talk,
                is_untimed=IS_UNTIMED,
            )
        )
        return rows[0][0] if rows else None
