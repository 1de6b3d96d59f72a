"""The lost calls of the last 30 days become call-backs, as if they had been followed.

A statement for each step, whatever the number of calls. What waits is open, with a
deadline from now; what somebody spoke about since is kept; what was settled by hand is
dismissed.
"""

from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields
from odoo.tools import SQL

from odoo.addons.cloud_pbx.telephony import numbers

DAYS = 30
# As the default of the setting: a shorter talk is none.
MIN_TALK_SECONDS = 5


def migrate(cr, version):
    cr.execute(
        """SELECT 1 FROM information_schema.columns
            WHERE table_name = 'pbx_call' AND column_name = 'called_back'"""
    )
    if not cr.fetchone():
        return
    env = api.Environment(cr, SUPERUSER_ID, {})
    find_lost_calls(cr)
    create_promises(cr, env)
    link_calls(cr)
    assign(cr, env)
    cr.execute("DROP TABLE lost_call")
    cr.execute("ALTER TABLE pbx_call DROP COLUMN called_back")


def find_lost_calls(cr):
    """Collect the lost calls, each with the first talk after it."""
    cr.execute(
        SQL(
            """CREATE TEMPORARY TABLE lost_call ON COMMIT DROP AS
               SELECT *, first_value(id) OVER (
                          PARTITION BY company_id, number, talk_id, by_hand
                              ORDER BY start, id) AS first_id
                 FROM (
               SELECT call.id, call.company_id, call.number, call.provider_id,
                      call.partner_id, call.lead_id, call.line_id, call.team_id,
                      call.start, coalesce(call.stop, call.start) AS stop,
                      coalesce(call.called_back, FALSE) AS by_hand, talk.id AS talk_id
                 FROM pbx_call call
                 LEFT JOIN LATERAL (
                      SELECT later.id FROM pbx_call later
                       WHERE later.number = call.number
                         AND later.company_id = call.company_id
                         AND later.state = 'done' AND later.outcome = 'answered'
                         AND later.direction IN ('inbound', 'outbound')
                         AND coalesce(later.answer, later.start) > call.start
                         AND (coalesce(later.talk_seconds, 0) = 0
                              OR later.talk_seconds >= %(min_talk)s)
                         AND later.start > call.start - interval '4 hours'
                    ORDER BY coalesce(later.answer, later.start) LIMIT 1) talk ON TRUE
                WHERE call.direction = 'inbound' AND call.state = 'done'
                  AND call.outcome IN ('missed', 'busy', 'failed')
                  AND call.number IS NOT NULL AND call.promise_id IS NULL
                  AND length(call.number) > %(short)s AND call.number !~ '[*#]'
                  AND call.start > %(since)s
                  AND NOT EXISTS (SELECT 1 FROM pbx_line
                                   WHERE company_id = call.company_id
                                     AND number = call.number AND active)
                  AND NOT EXISTS (SELECT 1 FROM pbx_extension
                                   WHERE company_id = call.company_id
                                     AND caller_id = call.number)) lost""",
            min_talk=MIN_TALK_SECONDS,
            short=numbers.SHORT_DIGITS,
            since=fields.Datetime.now() - timedelta(days=DAYS),
        )
    )


def create_promises(cr, env):
    """Create one of each number and talk; of what waits, one that is open."""
    now = fields.Datetime.now()
    cr.execute("SELECT DISTINCT company_id FROM lost_call")
    deadlines = [
        (company.id, env["pbx.promise"]._add_minutes(
            company.resource_calendar_id.id, company.id, now,
            company.pbx_promise_minutes))
        for company in env["res.company"].browse(row[0] for row in cr.fetchall())
    ]  # fmt: skip
    cr.execute(
        SQL(
            """INSERT INTO pbx_promise (
                      company_id, number, provider_id, line_id, team_id, partner_id,
                      lead_id, first_call_id, began_at, opened_at, due_from, deadline,
                      attempts, tries, last_attempt_at, state, closed_call_id,
                      closed_at, closed_by_id, dismiss_reason, in_time, acts,
                      create_uid, write_uid, create_date, write_date)
               SELECT first.company_id, first.number, first.provider_id,
                      first.line_id, first.team_id, lost.partner_id, lost.lead_id,
                      first.id, first.start, first.stop, %(now)s,
                      coalesce(due.deadline, %(now)s), lost.attempts, 0,
                      lost.last_attempt_at, lost.state,
                      CASE lost.state WHEN 'kept' THEN talk.id END,
                      CASE lost.state WHEN 'kept' THEN talk.answer
                                      WHEN 'dismissed' THEN lost.last_stop END,
                      CASE lost.state WHEN 'kept' THEN talk.user_id END,
                      CASE lost.state WHEN 'dismissed' THEN 'not_needed' END,
                      lost.state != 'open',
                      CASE lost.state WHEN 'dismissed' THEN jsonb_build_array(
                          jsonb_build_object(
                              'kind', 'dismissed',
                              'at', to_char(lost.last_stop, 'YYYY-MM-DD"T"HH24:MI:SS'),
                              'user_id', NULL, 'reason', 'not_needed', 'note', '',
                              'calls', lost.ids))
                      END,
                      %(uid)s, %(uid)s, %(now)s, %(now)s
                 FROM (SELECT first_id, talk_id,
                              CASE WHEN by_hand THEN 'dismissed'
                                   WHEN talk_id IS NOT NULL THEN 'kept'
                                   ELSE 'open' END AS state,
                              max(start) AS last_attempt_at, max(stop) AS last_stop,
                              count(*) AS attempts, array_agg(id ORDER BY id) AS ids,
                              (array_agg(partner_id ORDER BY partner_id IS NULL,
                                         start DESC, id DESC))[1] AS partner_id,
                              (array_agg(lead_id ORDER BY lead_id IS NULL,
                                         start DESC, id DESC))[1] AS lead_id
                         FROM lost_call GROUP BY first_id, talk_id, by_hand) lost
                 JOIN lost_call first ON first.id = lost.first_id
                 LEFT JOIN pbx_call talk ON talk.id = lost.talk_id
                 LEFT JOIN unnest(%(companies)s::integer[], %(deadlines)s::timestamp[])
                           AS due(company_id, deadline)
                           ON due.company_id = first.company_id""",
            now=now,
            uid=SUPERUSER_ID,
            companies=[company_id for company_id, _deadline in deadlines],
            deadlines=[deadline for _company_id, deadline in deadlines],
        )
    )


def link_calls(cr):
    """Let the calls name their call-backs."""
    cr.execute(
        """UPDATE pbx_call call SET promise_id = promise.id, promise_part = 'lost'
             FROM lost_call lost JOIN pbx_promise promise
               ON promise.first_call_id = lost.first_id
            WHERE call.id = lost.id"""
    )
    cr.execute(
        """UPDATE pbx_call call SET promise_id = promise.id, promise_part = 'kept'
             FROM pbx_promise promise
            WHERE call.id = promise.closed_call_id"""
    )
    cr.execute(
        """INSERT INTO pbx_promise_participant_rel (promise_id, user_id)
           SELECT DISTINCT call.promise_id, rang.user_id
             FROM lost_call lost JOIN pbx_call call ON call.id = lost.id
             JOIN pbx_call_participant_rel rang ON rang.call_id = call.id
            WHERE call.promise_id IS NOT NULL
      ON CONFLICT DO NOTHING"""
    )


def assign(cr, env):
    """Give what waits to the salesperson, else to the only one whose phone rang."""
    agents = env.ref("cloud_pbx.group_pbx_user").all_user_ids.filtered("active")
    cr.execute(
        SQL(
            """UPDATE pbx_promise promise
                  SET user_id = found.user_id, user_source = found.source
                 FROM (SELECT waits.id, picked.user_id, picked.source
                         FROM pbx_promise waits CROSS JOIN LATERAL (
                              SELECT user_id, source FROM (
                              SELECT 1 AS rank, lead.user_id, 'salesperson' AS source
                                FROM crm_lead lead WHERE lead.id = waits.lead_id
                                 AND lead.active AND lead.won_status = 'pending'
                               UNION ALL
                              SELECT 2, partner.user_id, 'salesperson'
                                FROM res_partner partner
                               WHERE partner.id = waits.partner_id
                               UNION ALL
                              SELECT 3, company.user_id, 'salesperson'
                                FROM res_partner partner JOIN res_partner company
                                  ON company.id = partner.commercial_partner_id
                               WHERE partner.id = waits.partner_id
                               UNION ALL
                              SELECT 4, min(rang.user_id), 'rung'
                                FROM pbx_promise_participant_rel rang
                               WHERE rang.promise_id = waits.id
                              HAVING count(*) = 1) candidate
                               WHERE user_id = ANY(%(agents)s)
                                 AND EXISTS (SELECT 1 FROM res_company_users_rel works
                                              WHERE works.cid = waits.company_id
                                                AND works.user_id = candidate.user_id)
                            ORDER BY rank LIMIT 1) picked
                        WHERE waits.state = 'open') found
                WHERE found.id = promise.id""",
            agents=agents.ids,
        )
    )
    activity_type = env.ref("cloud_pbx.activity_type_call_back")
    cr.execute(
        SQL(
            """INSERT INTO mail_activity (
                      active, activity_type_id, automated, date_deadline, res_id,
                      res_model, res_model_id, res_name, summary, user_id, create_uid,
                      write_uid, create_date, write_date)
               SELECT TRUE, %(type)s, TRUE, (deadline AT TIME ZONE 'UTC')::date, id,
                      'pbx.promise', %(model)s, number, %(summary)s, user_id, %(uid)s,
                      %(uid)s, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
                 FROM pbx_promise WHERE state = 'open' AND user_id IS NOT NULL""",
            type=activity_type.id,
            model=env["ir.model"]._get_id("pbx.promise"),
            summary=activity_type.summary,
            uid=SUPERUSER_ID,
        )
    )
