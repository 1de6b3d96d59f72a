"""Who called and was lost is called back."""

import itertools
import logging
from datetime import UTC, datetime, timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ...telephony import dialect as dialects
from ...telephony import numbers
from ...telephony.promise import (
    DISMISSED_BY_HAND,
    LATEST_REPORT,
    REOPENED,
    SPOKEN_WITH,
    Act,
)
from .. import pbx_internal_fields  # noqa: F401  (the model that is inherited comes first)
from ..tools.companies import of_all_companies
from ..tools.domains import search_boolean
from ..tools.transactions import CONFLICTS, in_own_transaction
from .conditions import IS_OURS, IS_SPAM, IS_UNTIMED
from .follow import MAX_DAYS, PromiseFollower
from .responsible import ResponsibleFinder

_logger = logging.getLogger(__name__)

STATES = [("open", "Open"), ("kept", "Kept"), ("dismissed", "Dismissed")]
REASONS = [
    ("not_needed", "Not needed"),
    ("wrong_number", "Wrong number"),
    ("spam", "Spam"),
    ("expired", "Expired"),
    ("other", "Other"),
]
USER_SOURCES = [
    ("salesperson", "Salesperson of the customer"),
    ("last_agent", "Spoke last with the caller"),
    ("rung", "Whose phone rang"),
    ("line", "Responsible for the line"),
    ("team", "Team leader"),
    ("person", "Assigned by a person"),
]

# An administrator who takes no calls sees the call-backs, and none of the calls.
SEES_CALLS = "cloud_pbx.group_pbx_user"
ACTIVITY = "cloud_pbx.activity_type_call_back"
ESCALATION = "cloud_pbx.activity_type_overdue"
# In the context, Odoo's own: no notification of who has an activity.
QUIET_ACTIVITY = "mail_activity_quick_update"
# What a supervisor writes; everything else follows from calls, or has an action.
WRITABLE = frozenset(("user_id",))
# Where a later leg may open a call again, a lost one is nobody's business before.
SETTLED_SECONDS = 30
# In the context: those count as well.
UNSETTLED = "pbx_unsettled"
# Whom we tried to reach a moment ago comes after the others.
TRIED_MINUTES = 10
# The job looks once more at lost calls that ended within this time.
OVERLOOKED_HOURS = 96
JOB_BATCH = 500


class PbxPromise(models.Model):
    """The call-back that a lost caller was promised.

    It is derived from the calls of the number and from what people did: see
    ``telephony/promise.py``.
    """

    _name = "pbx.promise"
    _description = "Call-back"
    _inherit = ["mail.thread", "mail.activity.mixin", "pbx.internal.fields"]
    _order = "deadline, opened_at, id"
    _rec_names_search = ["number_readable", "partner_id"]
    _mail_post_access = "read"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, ondelete="cascade"
    )
    provider_id = fields.Many2one(
        "pbx.provider", string="Cloud PBX", readonly=True, ondelete="cascade"
    )
    number = fields.Char(
        required=True, readonly=True, exportable=False, internal=("searchable",)
    )
    number_readable = fields.Char(
        string="Phone number",
        compute="_compute_number_readable",
        search="_search_number_readable",
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Contact",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    lead_id = fields.Many2one(
        "crm.lead", readonly=True, index="btree_not_null", ondelete="set null"
    )
    line_id = fields.Many2one("pbx.line", readonly=True, ondelete="set null")
    team_id = fields.Many2one(
        "crm.team", string="Sales Team", readonly=True, ondelete="set null"
    )
    user_id = fields.Many2one(
        "res.users",
        string="Responsible",
        ondelete="set null",
    )
    user_source = fields.Selection(
        USER_SOURCES, string="Why this person", readonly=True
    )
    participant_ids = fields.Many2many(
        "res.users",
        "pbx_promise_participant_rel",
        "promise_id",
        "user_id",
        string="Whose phone rang",
        readonly=True,
        help="Users whose phones rang in vain.",
    )
    state = fields.Selection(STATES, required=True, readonly=True, default="open")
    opened_at = fields.Datetime(string="Lost at", required=True, readonly=True)
    due_from = fields.Datetime(
        internal=True, readonly=True, help="From when the time to call back counts."
    )
    deadline = fields.Datetime(required=True, readonly=True)
    attempts = fields.Integer(
        string="Lost calls",
        readonly=True,
        help="How often the caller called and was lost.",
    )
    tries = fields.Integer(
        string="Attempts to call back",
        readonly=True,
        help="Our calls that reached nobody.",
    )
    last_attempt_at = fields.Datetime(string="Last lost call", readonly=True)
    last_try_at = fields.Datetime(string="Last attempt", readonly=True)
    began_at = fields.Datetime(
        internal=True,
        required=True,
        readonly=True,
        default=fields.Datetime.now,
        help="When its first lost call began.",
    )
    first_call_id = fields.Many2one(
        "pbx.call",
        string="First lost call",
        readonly=True,
        groups=SEES_CALLS,
        index="btree_not_null",
        ondelete="set null",
    )
    call_ids = fields.One2many(
        "pbx.call", "promise_id", string="Calls", readonly=True, groups=SEES_CALLS
    )
    voicemail_id = fields.Many2one(
        "pbx.recording", compute="_compute_voicemail", groups=SEES_CALLS
    )
    voicemail_seconds = fields.Integer(
        string="Length of the voicemail",
        compute="_compute_voicemail",
        internal=True,
        groups=SEES_CALLS,
    )
    closed_at = fields.Datetime(string="Closed on", readonly=True)
    closed_call_id = fields.Many2one(
        "pbx.call",
        string="Kept by call",
        readonly=True,
        groups=SEES_CALLS,
        index="btree_not_null",
        ondelete="set null",
    )
    closed_by_id = fields.Many2one(
        "res.users", string="Closed by", readonly=True, ondelete="set null"
    )
    in_time = fields.Boolean(
        string="Kept in time", readonly=True, help="It was closed by the deadline."
    )
    overdue = fields.Boolean(compute="_compute_overdue", search="_search_overdue")
    concerns_me = fields.Boolean(
        internal=True,
        compute="_compute_concerns_me",
        search="_search_concerns_me",
        help="You are responsible, your phone rang, it is your customer, or nobody of "
        "your team is responsible yet.",
    )
    escalated_at = fields.Datetime(string="Escalated on", readonly=True)
    escalated_user_id = fields.Many2one(
        "res.users", string="Escalate to", readonly=True, ondelete="set null"
    )
    dismiss_reason = fields.Selection(REASONS, string="Reason", readonly=True)
    note = fields.Text(readonly=True)
    # What people did: ``telephony.promise.Act`` as JSON.
    acts = fields.Json(groups=fields.NO_ACCESS, copy=False)

    _open_uniq = models.UniqueIndex(
        "(company_id, number) WHERE state = 'open'",
        "This number has an open call-back already.",
    )
    _number_idx = models.Index("(number, company_id, opened_at)")
    _open_idx = models.Index("(company_id, deadline) WHERE state = 'open'")
    # Whose calls an agent sees: without reading the rows.
    _user_idx = models.Index("(user_id, id) WHERE user_id IS NOT NULL")

    # ------------------------------------------------------------------ what is shown

    @api.depends("number")
    def _compute_number_readable(self):
        for promise in self:
            promise.number_readable = numbers.readable(promise.number)

    @api.depends_context("uid", "company")
    def _compute_voicemail(self):
        """What the caller left last, of what the user may hear."""
        for promise in self:
            calls = promise.call_ids.filtered("voicemail_id")
            last = calls.sorted("start", reverse=True)[:1]
            promise.voicemail_id = last.voicemail_id
            promise.voicemail_seconds = last.voicemail_seconds

    @api.model
    def _search_number_readable(self, operator, value):
        return self.env["pbx.call"]._search_number_readable(operator, value)

    @api.depends("partner_id", "lead_id.contact_name", "lead_id.partner_name")
    def _compute_display_name(self):
        for promise in self:
            # sudo: who it is, for all who see the call-back, as in the log
            partner, lead = promise.partner_id.sudo(), promise.lead_id.sudo()
            promise.display_name = (
                partner.display_name
                or lead.contact_name
                or lead.partner_name
                or lead.name
                or promise.number_readable
            )

    @api.depends("state", "deadline")
    def _compute_overdue(self):
        now = fields.Datetime.now()
        for promise in self:
            promise.overdue = promise.state == "open" and promise.deadline < now

    @api.model
    def _search_overdue(self, operator, value):
        late = Domain("state", "=", "open") & Domain(
            "deadline", "<", fields.Datetime.now()
        )
        return search_boolean(operator, value, late)

    # ---------------------------------------------------------------------- whose it is

    @api.model
    def _is_settled(self):
        """Return the domain of those that no later leg is likely to take back."""
        reopening = [one.code for one in dialects.available() if one.reopens]
        if not reopening or self.env.context.get(UNSETTLED):
            return Domain.TRUE
        before = fields.Datetime.now() - timedelta(seconds=SETTLED_SECONDS)
        # sudo: what kind of PBX it is, nothing else
        providers = self.env["pbx.provider"].sudo().with_context(active_test=False)
        found = providers.search([("dialect", "in", reopening)])
        return Domain("opened_at", "<=", before) | Domain(
            "provider_id", "not in", found.ids
        )

    @api.model
    def _is_dialable(self):
        """Return the domain of those whose numbers can be dialled from Odoo: who called
        from a short one may have to be called by hand."""
        codes = [one.code for one in dialects.available() if one.dials_short_numbers]
        # sudo: what kind of PBX it is, nothing else
        providers = self.env["pbx.provider"].sudo().search([("dialect", "in", codes)])
        is_whole = Domain.custom(to_sql=_is_whole_number)
        return is_whole | Domain("provider_id", "in", providers.ids)

    @api.model
    def _my_open(self):
        """Return the domain of open ones that are this user's business."""
        return (
            Domain("state", "=", "open")
            & self._is_settled()
            & Domain.custom(to_sql=_is_mine)
        )

    @api.depends(
        "user_id",
        "escalated_user_id",
        "participant_ids",
        "partner_id.user_id",
        "lead_id.user_id",
        "team_id.user_id",
        "team_id.crm_team_member_ids.user_id",
    )
    @api.depends_context("uid")
    def _compute_concerns_me(self):
        me = self.env.user
        sees_all = me.has_group("cloud_pbx.group_pbx_manager")
        # sudo: whether it is this user, nothing else
        for promise, known in zip(self, self.sudo(), strict=True):
            team = known.team_id.with_context(active_test=True)
            of_team = team.user_id | team.crm_team_member_ids.user_id
            promise.concerns_me = (
                me in known.user_id | known.partner_id.user_id | known.lead_id.user_id
                or me in known.participant_ids | known.escalated_user_id
                or (not known.user_id and me in of_team)
                or (sees_all and not known.user_id and not known.participant_ids)
            )

    @api.model
    def _search_concerns_me(self, operator, value):
        return search_boolean(operator, value, Domain.custom(to_sql=_is_mine))

    # ----------------------------------------------------------------------------- CRUD

    def write(self, vals):
        if not self.env.su:
            self._check_writable(vals)
        result = super().write(vals)
        if "user_id" in vals and not self.env.su:
            self._assigned_by_hand()
        return result

    def _check_writable(self, vals):
        derived = [
            name
            for name in vals
            if name not in WRITABLE
            and name in self._fields
            and self._fields[name]._module == "cloud_pbx"
        ]
        if derived:
            raise AccessError(
                self.env._(
                    "What follows from calls cannot be changed by hand: %s",
                    ", ".join(sorted(derived)),
                )
            )
        if "user_id" in vals and not self._sees_all():
            raise AccessError(
                self.env._("Only a supervisor decides who calls somebody back.")
            )
        user = self.env["res.users"].browse(vals.get("user_id") or ())
        # An agent may be none any more later: only who is chosen now.
        if user and not user.has_group(SEES_CALLS):
            raise UserError(
                self.env._("%s cannot use Phone, and so cannot call back.", user.name)
            )

    @api.model
    def _sees_all(self):
        """Tell whether the user sees to the call-backs of the whole company."""
        user = self.env.user
        return user.has_group("cloud_pbx.group_pbx_manager") or user.has_group(
            "base.group_system"
        )

    @api.constrains("user_id", "company_id")
    def _check_user(self):
        for promise in self:
            user = promise.user_id
            if user and promise.company_id not in user.company_ids:
                raise UserError(
                    self.env._(
                        "%(user)s does not work for %(company)s.",
                        user=user.name,
                        company=promise.company_id.name,
                    )
                )

    def _assigned_by_hand(self):
        """A person decided who calls back: it stays so."""
        # sudo: why it is this person, which nobody writes
        promises = self.sudo()
        promises.write({"user_source": "person"})
        for promise in promises:
            name = promise.user_id.name or self.env._("nobody")
            promise._message_log(
                body=self.env._("Responsible: %s", name),
                author_id=self.env.user.partner_id.id,
            )
        promises._update_activity()
        self.env["pbx.notifier"]._promises_changed(promises)

    # ---------------------------------------------------------------- what people do

    def action_call_back(self, line=None):
        """Dial the caller; who takes an unassigned one is responsible for it.

        :param line: the number that is shown, as of ``pbx.call.dial``.
        :return: the id of the call.
        """
        self.ensure_one()
        self.check_access("read")
        self._check_open()
        if not self.user_id:
            promise_id = self.id
            in_own_transaction(
                self.env, lambda env: env[self._name].browse(promise_id).action_take()
            )
            self.invalidate_recordset(["user_id", "user_source"])
        return self.env["pbx.call"].dial(self.number, self._name, self.id, line)

    def action_take(self):
        """Make the user responsible."""
        self.check_access("read")
        self._check_open()
        mine = self.filtered(lambda promise: promise.user_id != self.env.user)
        # sudo: who sees a call-back may take it, for themselves
        mine.sudo().write({"user_id": self.env.uid})
        mine._assigned_by_hand()
        return True

    @api.model
    def take_next(self, line=None):
        """Take the most urgent one, and dial it.

        The user's own ones come first, then those that nobody has. No two users are
        given the same.

        :param line: the number that is shown, as of ``pbx.call.dial``.
        :return: ``{"promise_id", "call_id"}``; ``False``: nobody waits.
        :raises UserError: the call cannot be made; the call-back is the user's then.
        """
        self = of_all_companies(self)
        promise_id = in_own_transaction(
            self.env, lambda env: env[self._name]._take_most_urgent()
        )
        if not promise_id:
            return False
        # It may be newer than what this transaction sees.
        self.env.cr.commit()  # pylint: disable=invalid-commit
        promise = self.browse(promise_id)
        dial = self.env["pbx.call"].dial
        call_id = dial(promise.number, self._name, promise_id, line)
        return {"promise_id": promise_id, "call_id": call_id}

    @api.model
    def _take_most_urgent(self):
        """Make the user responsible for the most urgent one; return its id."""
        waiting = (
            Domain("state", "=", "open")
            & self._is_settled()
            & self._is_dialable()
            & Domain.custom(to_sql=_is_not_on_the_phone)
        )
        for whose in (("user_id", "=", self.env.uid), ("user_id", "=", False)):
            query = self._search(waiting & Domain(*whose))
            table = SQL.identifier(query.table)
            query.order = SQL(
                "coalesce(%s.last_try_at > %s, FALSE), "
                "%s.deadline, %s.opened_at, %s.id",
                table,
                fields.Datetime.now() - timedelta(minutes=TRIED_MINUTES),
                *[table] * 3,
            )
            query.limit = 1
            rows = self.env.execute_query(
                SQL(
                    "%s FOR NO KEY UPDATE OF %s SKIP LOCKED",
                    query.select(),
                    table,
                )
            )
            if rows:
                promise = self.browse(rows[0][0])
                promise.action_take()
                return promise.id
        return False

    def action_spoken(self, note=""):
        """Somebody of ours spoke with the caller in another way."""
        return self._act(SPOKEN_WITH, note=note)

    def action_dismiss(self, reason=None, note=""):
        """Nobody has to call back.

        :param str reason: one of ``dismiss_reason``; ``other`` wants a note.
        """
        reasons = dict(REASONS)
        reasons.pop("expired")
        if reason not in reasons:
            raise UserError(self.env._("Select why nobody has to call back."))
        if reason == "other" and not (note or "").strip():
            raise UserError(
                self.env._("Write in the note why nobody has to call back.")
            )
        return self._act(DISMISSED_BY_HAND, reason, note)

    def action_reopen(self):
        """Somebody has to call back after all."""
        self.check_access("read")
        for promise in self:
            if promise.state == "open":
                raise UserError(self.env._("This call-back is open already."))
            others = self.sudo().search_count(  # sudo: whether there is one
                [
                    ("company_id", "=", promise.company_id.id),
                    ("number", "=", promise.number),
                    ("state", "=", "open"),
                ],
                limit=1,
            )
            if others:
                raise UserError(self.env._("Another call-back of this number is open."))
        return self._add_act(REOPENED)

    def _act(self, kind, reason="", note=""):
        self.check_access("read")
        self._check_open()
        return self._add_act(kind, reason, note)

    def _check_open(self):
        if any(promise.state != "open" for promise in self):
            raise UserError(
                self.env._("This call-back is closed. Load the page again.")
            )

    def _add_act(self, kind, reason="", note="", user=None):
        """Write down what a person did, and what follows from it."""
        user = self.env.user if user is None else user
        # sudo: who sees a call-back may do this with it, and nobody writes its fields
        for promise in self.sudo():
            lost = promise.call_ids.filtered(lambda call: call.promise_part == "lost")
            act = Act(
                kind=kind,
                at=promise._moment_of_act(),
                user_id=user.id or None,
                reason=reason or "",
                note=(note or "").strip(),
                calls=tuple(lost.ids),
            )
            promise.acts = [*(promise.acts or ()), act.to_json()]
            PromiseFollower(self.env, promise.company_id.id).follow_whole(
                {promise.number: promise.began_at}
            )
        self.invalidate_recordset()
        return True

    def _moment_of_act(self):
        """Return now, later than all that was done before: a click may follow another
        in the same second."""
        now = datetime.now(UTC).replace(tzinfo=None)
        before = [Act.from_json(act).at for act in self.acts or ()]
        return max([now, *(at + timedelta(microseconds=1) for at in before)])

    @api.model
    def _add_minutes(self, calendar_id, company_id, start, minutes):
        """Return when so many minutes of working hours have passed since ``start``.

        Where no hours are found, it is by the clock; 0: at once, open or not.
        """
        if not minutes:
            return start
        by_hours = self.env["pbx.availability"]._add_working_minutes(
            calendar_id, company_id, start, minutes
        )
        return by_hours or start + timedelta(minutes=minutes)

    # ------------------------------------------------------------------------ activity

    def message_subscribe(self, partner_ids=None, subtype_ids=None):
        if self.env.context.get(QUIET_ACTIVITY):
            # Who is responsible has the activity: nobody gets an e-mail of each call.
            return True
        return super().message_subscribe(partner_ids, subtype_ids)

    def _plan_activity(self):
        """Give the responsible of new call-backs an activity each."""
        quiet = self.with_context(**{QUIET_ACTIVITY: True})
        for promise in quiet.filtered("user_id"):
            promise.activity_schedule(
                ACTIVITY,
                date_deadline=promise._deadline_day(),
                user_id=promise.user_id.id,
            )

    def _update_activity(self):
        """Let the activity follow: whose it is, when it is due, and that it is over."""
        for promise in self.with_context(**{QUIET_ACTIVITY: True}):
            planned = promise.activity_search([ACTIVITY])
            if promise.state != "open" or not promise.user_id:
                if promise.state != "open" and promise.escalated_at:
                    planned |= promise.activity_search([ESCALATION])
                planned.unlink()
            elif not planned:
                promise._plan_activity()
            else:
                values = {
                    "user_id": promise.user_id.id,
                    "date_deadline": promise._deadline_day(),
                }
                for activity in planned:
                    if (activity.user_id.id, activity.date_deadline) != tuple(
                        values.values()
                    ):
                        activity.write(values)

    def _deadline_day(self):
        """Return the day of the deadline where the responsible is."""
        zone = self.user_id.tz or self.company_id.resource_calendar_id.tz or "UTC"
        return fields.Datetime.context_timestamp(
            self.with_context(tz=zone), self.deadline
        ).date()

    def _activity_done(self, feedback):
        """Its activity was marked done: somebody spoke with the caller."""
        for promise in self:
            if promise.state == "open":
                promise._add_act(SPOKEN_WITH, note=feedback)

    # ----------------------------------------------------------------- what is missing

    @api.model
    def audit(self, days=30):
        """Return what became of the lost calls of the user's companies.

        :param int days: as many days back.
        :return: ``{"lost", "promised", "withheld", "spam", "off", "late", "missing"}``:
            ``lost`` is the sum of the others, and ``missing`` is always 0.
        """
        if not self._sees_all():
            raise AccessError(self.env._("Only supervisors see this."))
        self.env["pbx.call"].flush_model()
        self.env["pbx.call.tag"].flush_model(["is_spam"])
        [row] = self.env.execute_query(
            SQL(
                """SELECT count(*) FILTER (WHERE fate = 'promised'),
                          count(*) FILTER (WHERE fate = 'withheld'),
                          count(*) FILTER (WHERE fate = 'spam'),
                          count(*) FILTER (WHERE fate = 'off'),
                          count(*) FILTER (WHERE fate = 'late'),
                          count(*) FILTER (WHERE fate = 'missing')
                     FROM (SELECT CASE WHEN number IS NULL AND promise_id IS NULL
                                       THEN 'withheld'
                                       WHEN is_spam THEN 'spam'
                                       WHEN promise_id IS NOT NULL THEN 'promised'
                                       WHEN promise_off THEN 'off'
                                       WHEN is_late THEN 'late'
                                       ELSE 'missing' END AS fate
                             FROM (%s) lost) lost""",
                self._lost_calls(
                    fields.Datetime.now() - timedelta(days=days),
                    SQL("call.company_id = ANY(%s)", list(self.env.companies.ids)),
                ),
            )
        )
        promised, withheld, spam, off, late, missing = row
        return {
            "lost": sum(row),
            "promised": promised,
            "withheld": withheld,
            "spam": spam,
            "off": off,
            "late": late,
            "missing": missing,
        }

    @api.model
    def _lost_calls(self, since, condition):
        """Return the statement that lists lost calls which are not our own ones."""
        return SQL(
            """SELECT call.id, call.company_id, call.number, call.start,
                      call.promise_id, call.promise_off, %(is_spam)s AS is_spam,
                      coalesce(call.reported_at - call.stop > %(latest)s, FALSE)
                      OR coalesce(call.stop, call.start)
                         < (now() AT TIME ZONE 'UTC') - interval '1 day'
                         * coalesce(nullif(company.pbx_promise_days, 0), %(days)s)
                      AS is_late
                 FROM pbx_call call JOIN res_company company
                   ON company.id = call.company_id
                WHERE call.direction = 'inbound' AND call.state = 'done'
                  AND call.outcome IN ('missed', 'busy', 'failed')
                  AND call.is_blocked IS NOT TRUE AND call.start >= %(since)s
                  AND %(condition)s
                  AND NOT (call.promise_id IS NULL AND call.number IS NOT NULL
                           AND %(is_ours)s)""",
            is_ours=IS_OURS,
            is_spam=IS_SPAM,
            latest=LATEST_REPORT,
            days=MAX_DAYS,
            since=since,
            condition=condition,
        )

    # ----------------------------------------------------------------------------- jobs

    @api.model
    def _cron_promises(self):
        """Look for what was overlooked, and whose agent has left; escalate what is
        late; close what is old."""
        self._follow_overlooked()
        self._replace_those_who_left()
        self._escalate()
        self._expire()

    def _each(self, promises, work):
        """Do ``work`` with each, in a transaction of its own; one that fails is left
        to the next run."""
        progress = self.env["ir.cron"]._commit_progress
        for done, promise in enumerate(promises, 1):
            try:
                with self.env.cr.savepoint():
                    work(promise)
            except CONFLICTS:
                _logger.info("Call-back %s: somebody else writes it", promise.id)
            except (UserError, ValueError):
                _logger.exception("Call-back %s: not followed", promise.id)
            if not progress(1, remaining=len(promises) - done):
                return

    def _follow_overlooked(self):
        """Derive those anew that miss a lost call, or a talk that came since."""
        since = fields.Datetime.now() - timedelta(hours=OVERLOOKED_HOURS)
        self.env.flush_all()
        missing = self.env.execute_query(
            SQL(
                """SELECT id FROM (%s) lost
                    WHERE promise_id IS NULL AND number IS NOT NULL
                      AND promise_off IS NOT TRUE AND NOT is_late AND NOT is_spam
                 ORDER BY start LIMIT %s""",
                self._lost_calls(since, SQL("call.promise_id IS NULL")),
                JOB_BATCH,
            )
        )
        spoken = self.env.execute_query(
            SQL(
                """SELECT call.id
                     FROM pbx_promise promise
                     JOIN res_company company ON company.id = promise.company_id
                    CROSS JOIN LATERAL (
                          SELECT id FROM pbx_call call
                           WHERE call.number = promise.number
                             AND call.company_id = promise.company_id
                             AND call.outcome = 'answered' AND call.state = 'done'
                             AND call.start > promise.began_at
                             AND (coalesce(call.talk_seconds, 0)
                                  >= company.pbx_promise_min_talk OR %s)
                           LIMIT 1) call
                    WHERE promise.state = 'open' LIMIT %s""",
                IS_UNTIMED,
                JOB_BATCH,
            )
        )
        calls = self.env["pbx.call"].browse(
            dict.fromkeys(call_id for [call_id] in [*missing, *spoken])
        )
        self._each(
            calls,
            lambda call: PromiseFollower(self.env, call.company_id.id).follow_calls(
                call
            ),
        )

    def _replace_those_who_left(self):
        """Find others for those whose responsible takes no calls any more."""
        left = self._of_who_left("user_id")
        # Their user was deleted; that nobody has it may be a person's choice.
        deleted = Domain("user_id", "=", False) & Domain(
            "user_source", "not in", (False, "person")
        )
        self._each(
            self.search(
                Domain("state", "=", "open") & (left | deleted), limit=JOB_BATCH
            ),
            lambda promise: PromiseFollower(
                self.env, promise.company_id.id
            ).replace_responsible(promise),
        )
        escalated = Domain("state", "=", "open") & self._of_who_left(
            "escalated_user_id"
        )
        self._each(
            self.search(escalated, limit=JOB_BATCH),
            lambda promise: promise._take_back_escalation(),
        )

    @api.model
    def _of_who_left(self, name):
        """Return the domain of open ones whose user of a field is no agent any more."""
        groups = self._read_group(
            [("state", "=", "open"), (name, "!=", False)], ["company_id", name]
        )
        return Domain.OR(
            Domain("company_id", "=", company.id) & Domain(name, "=", user.id)
            for company, user in groups
            if not ResponsibleFinder(self.env, company.id).is_agent(user)
        )

    def _take_back_escalation(self):
        """Let it be escalated to somebody else."""
        self.activity_search([ESCALATION]).unlink()
        self.write({"escalated_at": False, "escalated_user_id": False})

    def _escalate(self):
        """Ask somebody to see to call-backs that are overdue.

        Of those with the same working hours the one that is due first is escalated
        first: when one is not to be escalated yet, those behind it are not, either.
        """
        now = fields.Datetime.now()
        for company, calendar, promises in self._overdue_by_hours(now):
            due = itertools.takewhile(
                lambda promise, company=company, calendar=calendar: (
                    self._add_minutes(
                        calendar,
                        company.id,
                        promise.deadline,
                        company.pbx_escalate_minutes,
                    )
                    <= now
                ),
                promises,
            )
            self._each(self.concat(*due), lambda promise: promise._escalate_at(now))

    def _overdue_by_hours(self, now):
        """Return ``[(company, id of its working hours, promises)]`` of what is overdue
        and was not escalated, the oldest ones of each, by deadline."""
        self.flush_model()
        self.env["pbx.line"].flush_model(["calendar_id"])
        self.env["res.company"].flush_model(
            ["pbx_escalate_minutes", "resource_calendar_id"]
        )
        rows = self.env.execute_query(
            SQL(
                """SELECT company_id, calendar_id, array_agg(id ORDER BY place)
                     FROM (SELECT promise.company_id, hours.calendar_id, promise.id,
                                  row_number() OVER (
                                      PARTITION BY promise.company_id, hours.calendar_id
                                      ORDER BY promise.deadline, promise.id) AS place
                             FROM pbx_promise promise
                             JOIN res_company company
                               ON company.id = promise.company_id
                        LEFT JOIN pbx_line line ON line.id = promise.line_id
                       CROSS JOIN LATERAL (
                                  SELECT coalesce(line.calendar_id,
                                                  company.resource_calendar_id)
                                         AS calendar_id) hours
                            WHERE promise.state = 'open'
                              AND promise.escalated_at IS NULL
                              AND promise.deadline < %(now)s
                              AND company.pbx_escalate_minutes > 0) late
                    WHERE place <= %(limit)s
                 GROUP BY company_id, calendar_id
                 ORDER BY company_id, calendar_id""",
                now=now,
                limit=JOB_BATCH,
            )
        )
        companies = self.env["res.company"]
        return [
            (companies.browse(company_id), calendar_id, self.browse(ids))
            for company_id, calendar_id, ids in rows
        ]

    def _escalate_at(self, now):
        if self.state != "open":
            return  # meanwhile
        company = self.company_id
        self.escalated_at = now
        finder = ResponsibleFinder(self.env, company.id)
        # Whoever could not open it is told nothing of the caller.
        able = (company.pbx_escalate_user_id + self.team_id.user_id).filtered(
            finder.is_agent
        )
        if user := able[:1]:
            self.escalated_user_id = user
            self.with_context(**{QUIET_ACTIVITY: True}).activity_schedule(
                ESCALATION, user_id=user.id
            )

    def _expire(self):
        """Close what nobody did anything about for too long: since the caller was lost,
        that was reported, or somebody opened it again."""
        self.flush_model()
        self.env["res.company"].flush_model(["pbx_promise_days"])
        rows = self.env.execute_query(
            SQL(
                """SELECT promise.id
                     FROM pbx_promise promise JOIN res_company company
                       ON company.id = promise.company_id
                    WHERE promise.state = 'open' AND company.pbx_promise_days > 0
                      AND greatest(promise.opened_at, promise.due_from, (
                          SELECT max((act->>'at')::timestamp)
                            FROM jsonb_array_elements(promise.acts) act
                           WHERE act->>'kind' = %(reopened)s))
                          < %(now)s - interval '1 day' * company.pbx_promise_days
                 ORDER BY promise.deadline, promise.id LIMIT %(limit)s""",
                reopened=REOPENED,
                now=fields.Datetime.now(),
                limit=JOB_BATCH,
            )
        )
        nobody = self.env["res.users"]
        self._each(
            self.browse(promise_id for [promise_id] in rows),
            lambda promise: promise._add_act(DISMISSED_BY_HAND, "expired", user=nobody),
        )

    def _plain(self):
        """Return what decides who is responsible, as plain values."""
        self.ensure_one()
        return {
            "number": self.number,
            "partner_id": self.partner_id.id,
            "lead_id": self.lead_id.id,
            "line_id": self.line_id.id,
            "team_id": self.team_id.id,
            "began_at": self.began_at,
            "due_from": self.due_from,
            "deadline": self.deadline,
        }

    @api.model
    def _call_merged(self, gone, kept):
        """Call ``gone`` turned out to be ``kept``: acts were about that one."""
        for promise in self.search([("id", "in", (gone | kept).promise_id.ids)]):
            if promise.first_call_id == gone:
                promise.first_call_id = kept
            acts = promise.acts or []
            for act in acts:
                act["calls"] = sorted(
                    {kept.id if one == gone.id else one for one in act["calls"]}
                )
                if act.get("tagged_call_id") == gone.id:
                    act["tagged_call_id"] = kept.id
            promise.acts = acts


def _is_mine(model, alias, query):
    """Return the SQL condition that an open call-back is this user's business."""
    promise = {
        name: SQL.identifier(alias, name, to_flush=model._fields[name])
        for name in (
            *("id", "user_id", "partner_id", "lead_id", "team_id"),
            "escalated_user_id",
        )
    }
    # No phone rang, and nobody is responsible: supervisors see to it.
    nobody = model.env.user.has_group("cloud_pbx.group_pbx_manager") and SQL(
        """OR (%(user_id)s IS NULL AND (
               SELECT TRUE FROM pbx_promise_participant_rel
                WHERE promise_id = %(id)s LIMIT 1) IS NULL)""",
        **promise,
    )
    # Scalar subqueries, run for the few that are open: with EXISTS or a join the
    # database may choose to read all contacts and leads first.
    return SQL(
        """(%(user_id)s = %(me)s OR coalesce(%(escalated_user_id)s = %(me)s, FALSE)
            OR (SELECT TRUE FROM pbx_promise_participant_rel
                 WHERE promise_id = %(id)s AND user_id = %(me)s LIMIT 1)
            OR coalesce((SELECT user_id FROM res_partner WHERE id = %(partner_id)s)
                        = %(me)s, FALSE)
            OR coalesce((SELECT user_id FROM crm_lead WHERE id = %(lead_id)s)
                        = %(me)s, FALSE)
            OR (%(user_id)s IS NULL AND (
                coalesce((SELECT user_id FROM crm_team WHERE id = %(team_id)s)
                         = %(me)s, FALSE)
                OR (SELECT TRUE FROM crm_team_member
                     WHERE crm_team_id = %(team_id)s AND user_id = %(me)s AND active
                     LIMIT 1)))
            %(nobody)s)""",
        me=model.env.uid,
        nobody=nobody or SQL(),
        **promise,
    )


def _is_whole_number(model, alias, query):
    """Return the SQL condition that the number is no short one."""
    number = SQL.identifier(alias, "number", to_flush=model._fields["number"])
    return SQL("length(%s) > %s", number, numbers.SHORT_DIGITS)


def _is_not_on_the_phone(model, alias, query):
    """Return the SQL condition that no call of the number goes on."""
    promise = {
        name: SQL.identifier(alias, name, to_flush=model._fields[name])
        for name in ("number", "company_id")
    }
    return SQL(
        """NOT EXISTS (SELECT 1 FROM pbx_call
                        WHERE number = %(number)s AND company_id = %(company_id)s
                          AND state != 'done' AND start > %(since)s)""",
        since=fields.Datetime.now() - timedelta(hours=4),
        **promise,
    )
