import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

from ..lead.automatic import AutomaticLead
from ..promise.follow import MAX_DAYS, PromiseFollower
from ..tools.transactions import CONFLICTS
from .tag_activities import TagActivities

_logger = logging.getLogger(__name__)

# Calls that are looked at in one transaction.
BATCH = 50


class PbxCallTag(models.Model):
    """What a call was about, chosen by people once it is over."""

    _name = "pbx.call.tag"
    _description = "Call tag"
    _inherit = ["pbx.internal.fields"]
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    color = fields.Integer()
    sequence = fields.Integer(default=10)
    company_id = fields.Many2one(
        "res.company",
        ondelete="cascade",
        help="Empty: for all companies.",
    )
    is_spam = fields.Boolean(
        string="Spam",
        help="The number is not called back, and no lead is created.",
    )
    activity_type_id = fields.Many2one(
        "mail.activity.type",
        string="Plan an activity",
        ondelete="set null",
        domain="[('res_model', 'in', [False, 'crm.lead', 'res.partner'])]",
        help="Planned on the lead, or else on the contact, of a call with this tag.",
    )
    active = fields.Boolean(default=True)
    call_count = fields.Integer(string="Calls", compute="_compute_call_count")
    # Spam or not has changed: calls with a lower id are still to be looked at.
    follow_below_id = fields.Integer(groups=fields.NO_ACCESS, copy=False)

    _name_uniq = models.UniqueIndex(
        "(coalesce(company_id, 0), lower(btrim(name->>'en_US'))) WHERE active",
        "There is a tag of this name already.",
    )
    _follow_idx = models.Index("(follow_below_id) WHERE follow_below_id IS NOT NULL")

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_call_count(self):
        found = self.env["pbx.call"]._read_group(
            [("tag_ids", "in", self.ids)], ["tag_ids"], ["__count"]
        ) if self.env["pbx.call"].has_access("read") else ()  # fmt: skip
        counts = dict(found)
        for tag in self:
            tag.call_count = counts.get(tag._origin, 0)

    @api.constrains("name", "company_id", "active")
    def _check_name(self):
        """Nobody is to see two tags of one name: that of all companies is seen by each.

        In each language: tags are translated.
        """
        self.flush_model(["name", "company_id", "active"])
        same = self.env.execute_query(
            SQL(
                """SELECT this.id
                     FROM pbx_call_tag this
                    CROSS JOIN LATERAL jsonb_each_text(this.name) mine
                     JOIN pbx_call_tag that
                       ON that.id != this.id AND that.active
                      AND (this.company_id IS NULL OR that.company_id IS NULL
                           OR this.company_id = that.company_id)
                      AND lower(btrim(that.name->>mine.key)) = lower(btrim(mine.value))
                    WHERE this.id = ANY(%s) AND this.active LIMIT 1""",
                list(self.ids),
            )
        )
        if same:
            name = self.browse(same[0][0]).name
            raise ValidationError(
                self.env._("There is a tag of this name already: %s", name)
            )

    @api.constrains("company_id")
    def _check_company_of_calls(self):
        for tag in self.filtered("company_id"):
            # sudo: whether there is one, in whatever company
            others = self.env["pbx.call"].sudo().search_count(
                [("tag_ids", "in", tag.ids), ("company_id", "!=", tag.company_id.id)],
                limit=1,
            )  # fmt: skip
            if others:
                raise ValidationError(
                    self.env._(
                        "Calls of another company have the tag “%s”. Create another "
                        "tag for this company.",
                        tag.name,
                    )
                )

    @api.constrains("activity_type_id")
    def _check_activity_type(self):
        for tag in self:
            model = tag.activity_type_id.res_model
            if model and model not in ("crm.lead", "res.partner"):
                raise ValidationError(
                    self.env._(
                        "“%s” is not an activity of leads or contacts.",
                        tag.activity_type_id.name,
                    )
                )

    # ----------------------------------------------------------------------------- CRUD

    def write(self, vals):
        was_spam = self.filtered("is_spam")
        result = super().write(vals)
        if "is_spam" in vals:
            is_spam = self.filtered("is_spam")
            self._follow_later((was_spam - is_spam) | (is_spam - was_spam))
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_unless_spam(self):
        """What calls of a number are called back hangs on such a tag."""
        for tag in self.filtered("is_spam"):
            # sudo: whether there is one, in whatever company
            if (
                self.env["pbx.call"]
                .sudo()
                .search_count([("tag_ids", "in", tag.ids)], limit=1)
            ):
                raise UserError(
                    self.env._(
                        "Calls have the tag “%s” and are therefore not called back. "
                        "Archive it instead.",
                        tag.name,
                    )
                )

    def action_open_calls(self):
        """Open the calls that have this tag."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "cloud_pbx.pbx_call_action"
        )
        return {**action, "domain": [("tag_ids", "in", self.ids)], "context": {}}

    # ------------------------------------------------------------ spam, or not any more

    def _follow_later(self, tags):
        """Have the call-backs of calls with these tags derived anew, by the job."""
        if not tags:
            return
        [[last_id]] = self.env.execute_query(SQL("SELECT max(id) FROM pbx_call"))
        # sudo: whoever may write a tag has its calls followed
        tags.sudo().follow_below_id = (last_id or 0) + 1
        self.env.ref("cloud_pbx.ir_cron_tags").sudo()._trigger()

    @api.model
    def _cron_tags(self):
        """Plan the activities that waited for their calls; derive call-backs anew where
        a tag has become spam, or is none any more."""
        if not TagActivities(self.env).plan_waiting():
            return
        progress = self.env["ir.cron"]._commit_progress
        progress(remaining=0)
        all_tags = self.with_context(active_test=False)
        tags = all_tags.search([("follow_below_id", "!=", False)])
        for tag in tags:
            while tag.follow_below_id:
                try:
                    with self.env.cr.savepoint():
                        tag._follow_some()
                except CONFLICTS:
                    _logger.info("Tag %s: somebody else writes a call-back", tag.id)
                    soon = fields.Datetime.now() + timedelta(minutes=1)
                    self.env.ref("cloud_pbx.ir_cron_tags")._trigger(at=soon)
                    return
                remaining = len(tags.filtered("follow_below_id"))
                if not progress(1, remaining=remaining):
                    return

    def _follow_some(self):
        """Derive the call-backs of some calls anew, the newest first.

        Those that matter: open call-backs, what was dismissed as spam, lost calls that
        made none, and calls that made a lead by themselves; as far back as a call-back
        may be open.
        """
        self.env["crm.lead"].flush_model(["pbx_call_id", "pbx_automatic"])
        self.env["pbx.promise"].flush_model()
        self.env["pbx.call"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT call.id FROM pbx_call call
                     JOIN pbx_call_tag_rel rel ON rel.call_id = call.id
                     JOIN res_company company ON company.id = call.company_id
                    WHERE rel.tag_id = %(tag)s AND call.id < %(below)s
                      AND call.number IS NOT NULL
                      AND call.direction != 'internal'
                      AND call.start >= %(now)s - interval '1 day'
                          * coalesce(nullif(company.pbx_promise_days, 0), %(days)s)
                      AND (call.promise_id IS NULL AND call.direction = 'inbound'
                           AND call.outcome IN ('missed', 'busy', 'failed')
                           OR EXISTS (
                           SELECT FROM pbx_promise promise
                            WHERE promise.company_id = call.company_id
                              AND promise.number = call.number
                              AND (promise.state = 'open'
                                   OR promise.dismiss_reason = 'spam'))
                           OR EXISTS (
                           SELECT FROM crm_lead lead
                            WHERE lead.pbx_call_id = call.id
                              AND lead.pbx_automatic IN ('made', 'spam')))
                 ORDER BY call.id DESC LIMIT %(limit)s""",
                tag=self.id,
                below=self.follow_below_id,
                now=fields.Datetime.now(),
                days=MAX_DAYS,
                limit=BATCH,
            )
        )
        calls = self.env["pbx.call"].browse(call_id for [call_id] in rows)
        for company, group in calls.grouped("company_id").items():
            follower = PromiseFollower(self.env, company.id, lately=True)
            follower.follow_tags(group)
            AutomaticLead.follow_tags(group)
        self.follow_below_id = min(calls.ids) if len(calls) == BATCH else False
