"""The log of calls: what is known of each, and what people do with it."""

import logging
import re
from datetime import timedelta
from functools import partial

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.mail import plaintext2html

from ...telephony import dialect as dialects
from ...telephony import errors, numbers
from ...telephony.call import may_be_heard
from ...telephony.facts import CallFacts
from ...telephony.promise import LOST_OUTCOMES
from .. import pbx_internal_fields  # noqa: F401  (the model that is inherited comes first)
from ..figures.figures import Figures
from ..figures.local_time import local_time_of, search_part
from ..lead.automatic import AutomaticLead
from ..lead.make import LeadMaker
from ..lead.queue import LEADS_FOLLOW, LeadQueue
from ..promise.follow import PromiseFollower
from ..promise.pbx_promise import SETTLED_SECONDS, UNSETTLED
from ..tools.companies import may_be_named, of_all_companies
from ..tools.domains import name_begins, search_boolean
from ..tools.group_order import order_of_groups
from ..tools.local_datetime import LocalDatetime, bin_of, expect_few_groups
from ..tools.notification import notification
from ..tools.transactions import lock_rows
from .chatter import REPEATED
from .dial import Dial
from .failure import explain_failure
from .log import CallLog
from .search import MANY, CallSearch, concerns_me
from .tag_activities import TagActivities

_logger = logging.getLogger(__name__)

# What a copied link has before its number.
_LINK = re.compile(r"^\s*(tel|sip|callto):", re.IGNORECASE)
# The zero that is dialled at home only, as people write it behind a country code.
_HOME_ZERO = re.compile(r"\(\s*0\s*\)")
# Fewer may be part of a name.
MIN_DIGITS = 5
OUTCOMES = [
    ("answered", "Answered"),
    ("missed", "Missed"),
    ("busy", "Busy"),
    ("no_answer", "No answer"),
    ("cancelled", "Cancelled"),
    ("failed", "Failed"),
]
# How phones are chosen: one that is connected first.
_RANK = {"online": 0, "unknown": 1, "offline": 2}
# What the PBX says: nobody corrects that by hand.
PBX_FIELDS = frozenset(
    (
        "provider_id",
        "company_id",
        "ref",
        "direction",
        "state",
        "outcome",
        "disposition",
        "number",
        "line",
        "partner_source",
        "user_picked",
        "lead_picked",
        "participant_ids",
        "extension_id",
        "start",
        "answer",
        "stop",
        "wait_seconds",
        "talk_seconds",
        "leg_ids",
        "recording_ids",
        "chatter_message_id",
        "facts",
        "last_event_at",
        "close_after",
        "own_leg_only",
        "clicked_at",
        "click_key",
        "res_model",
        "res_id",
        "then_dial",
        "from_history",
        "corrected",
        "reported_at",
        "line_id",
        "team_id",
        "source_id",
        "medium_id",
        "campaign_id",
        "route_id",
        "route_code",
        "route_outcome",
        "routed_to",
        "is_blocked",
        "promise_id",
        "promise_part",
        "promise_off",
        "tag_activities",
        "has_activities_waiting",
        "lead_after",
        "lead_verdict",
    )
)
# What the activities of tags wait for.
TAGS_FOLLOW = frozenset(("state", "partner_id", "lead_id"))
# What people write, or matching does, and call-backs follow.
FOLLOWED = frozenset(("partner_id", "lead_id", "user_id"))
ROUTE_CODES = [
    ("blocked", "Blocked number"),
    ("route", "Routing rule"),
    ("closed", "Closed message"),
    ("menu", "Menu"),
    ("scenario", "PBX's own scenario"),
    ("failed", "No decision in time"),
]


class PbxCall(models.Model):
    """One call, however many events and legs it had."""

    _name = "pbx.call"
    _description = "Phone call"
    _inherit = ["mail.thread", "mail.activity.mixin", "pbx.internal.fields"]
    _order = "start desc, id desc"
    _mail_post_access = "read"

    provider_id = fields.Many2one(
        "pbx.provider",
        string="Cloud PBX",
        required=True,
        readonly=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    ref = fields.Char(string="Call ID", readonly=True, help="The PBX's id of the call.")
    direction = fields.Selection(
        [("inbound", "Incoming"), ("outbound", "Outgoing"), ("internal", "Internal")],
        readonly=True,
    )
    state = fields.Selection(
        [("ringing", "Ringing"), ("ongoing", "Talking"), ("done", "Ended")],
        required=True,
        default="ringing",
        readonly=True,
    )
    outcome = fields.Selection(OUTCOMES, readonly=True)
    disposition = fields.Char(readonly=True, help="How the PBX says it ended.")
    failure_reason = fields.Char(
        string="Failure reason",
        compute="_compute_failure_reason",
        help="Why the call failed, and what to do about it.",
    )
    # Searched for and exported as they are read: ``number_readable``,
    # ``line_readable``.
    number = fields.Char(
        readonly=True,
        index="trigram",
        exportable=False,
        internal=("searchable",),
        help="The outside party's number; of an internal call, who was called.",
    )
    number_readable = fields.Char(
        string="Phone number",
        compute="_compute_number_readable",
        search="_search_number_readable",
    )
    line = fields.Char(
        string="Line as reported",
        internal=True,
        readonly=True,
        help="Which of our numbers was called, or was shown.",
    )
    # What the line had when the call came: its later changes do not rewrite the past.
    line_id = fields.Many2one(
        "pbx.line",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    team_id = fields.Many2one(
        "crm.team", string="Sales Team", readonly=True, ondelete="set null"
    )
    source_id = fields.Many2one("utm.source", readonly=True, ondelete="set null")
    medium_id = fields.Many2one("utm.medium", readonly=True, ondelete="set null")
    campaign_id = fields.Many2one("utm.campaign", readonly=True, ondelete="set null")
    route_id = fields.Many2one(
        "pbx.route",
        string="Routing rule",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    route_code = fields.Selection(
        ROUTE_CODES,
        string="Routed by",
        readonly=True,
        help="What decided where the call went, if the PBX asked Odoo.",
    )
    # The whole decision, as telephony.routing.Outcome writes it.
    route_outcome = fields.Json(groups=fields.NO_ACCESS, copy=False)
    route_reason = fields.Char(
        string="Why it went there",
        compute="_compute_route_reason",
        help="Which rule decided, for whom, and who was passed over.",
    )
    routed_to = fields.Char(
        string="Sent to", readonly=True, help="Where the PBX was told to send the call."
    )
    is_blocked = fields.Boolean(
        string="Blocked", readonly=True, help="The number was blocked when it called."
    )
    promise_id = fields.Many2one(
        "pbx.promise",
        string="Call-back",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    promise_part = fields.Selection(
        [("lost", "Lost call"), ("try", "Attempt"), ("kept", "Kept it")],
        string="Part in the call-back",
        readonly=True,
    )
    promise_off = fields.Boolean(
        internal=True,
        readonly=True,
        help="It was lost while lost calls made no call-backs.",
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Contact",
        index="btree_not_null",
        ondelete="set null",
        check_company=True,
    )
    partner_source = fields.Selection(
        [
            ("number", "By number"),
            ("tail", "By last digits"),
            ("remembered", "As selected before"),
            ("lead", "By its lead"),
            ("picked", "Selected by a user"),
            ("several", "Several match"),
            ("possible", "Perhaps somebody"),
            ("none", "Nobody matches"),
        ],
        string="Contact found",
        readonly=True,
        help="How the contact was found. What a user selected is never changed.",
    )
    candidate_ids = fields.Many2many(
        "res.partner",
        string="Who it may be",
        compute="_compute_candidate_ids",
        # Archived ones too: they may come back.
        context={"active_test": False},
    )
    lead_id = fields.Many2one(
        "crm.lead",
        index="btree_not_null",
        ondelete="set null",
        check_company=True,
    )
    lead_picked = fields.Boolean(internal=True, readonly=True)
    # Its index is that of the last talks: see ``_user_idx``.
    lead_after = fields.Datetime(
        internal=True,
        readonly=True,
        copy=False,
        help="From when it is to be looked at whether a lead follows.",
    )
    lead_verdict = fields.Selection(
        [("none", "No lead"), ("lead", "Lead")],
        internal=True,
        readonly=True,
        copy=False,
        help="What followed when that was looked at; empty: it was not yet.",
    )
    user_id = fields.Many2one(
        "res.users",
        help="Who spoke; of an outgoing call, who dialled.",
    )
    user_picked = fields.Boolean(internal=True, readonly=True)
    can_claim = fields.Boolean(internal=True, compute="_compute_can_claim")
    participant_ids = fields.Many2many(
        "res.users",
        "pbx_call_participant_rel",
        "call_id",
        "user_id",
        string="Participants",
        readonly=True,
        help="Users whose internal number rang or spoke.",
    )
    extension_id = fields.Many2one(
        "pbx.extension",
        string="Internal number",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    start = LocalDatetime(string="Time", required=True, readonly=True)
    # What groups of figures are opened by.
    start_hour = fields.Integer(
        internal=True,
        string="Hour of the day",
        compute="_compute_start_parts",
        search="_search_start_hour",
        aggregator=None,
        help="When it began, by your clock: 0 to 23.",
    )
    start_weekday = fields.Integer(
        internal=True,
        string="Day of the week",
        compute="_compute_start_parts",
        search="_search_start_weekday",
        aggregator=None,
        help="When it began, by your clock; 0 is Monday.",
    )
    answer = fields.Datetime(string="Answered at", readonly=True)
    stop = fields.Datetime(string="Ended at", readonly=True)
    wait_seconds = fields.Integer(
        string="Wait",
        readonly=True,
        aggregator="avg",
        help="Seconds until it was answered, or given up.",
    )
    talk_seconds = fields.Integer(
        string="Talk",
        readonly=True,
        help="Seconds of conversation, as the PBX reports them.",
    )
    leg_ids = fields.One2many("pbx.call.leg", "call_id", string="Legs", readonly=True)
    unknown_extensions = fields.Char(
        internal=True, compute="_compute_unknown_extensions"
    )
    recording_ids = fields.One2many(
        "pbx.recording", "call_id", string="Recordings", readonly=True
    )
    note = fields.Text()
    tag_ids = fields.Many2many(
        "pbx.call.tag",
        "pbx_call_tag_rel",
        "call_id",
        "tag_id",
        string="Tags",
        check_company=True,
        # An archived one still says what it was about.
        context={"active_test": False},
        help="What the call was about.",
    )
    is_spam = fields.Boolean(
        string="Spam",
        compute="_compute_is_spam",
        search="_search_is_spam",
        help="A tag says so: the number is not called back, and no lead is created.",
    )
    is_wrapped_up = fields.Boolean(
        internal=True,
        string="Nothing to say",
        copy=False,
        help="The card does not ask for a tag any more.",
    )
    # See TagActivities.
    tag_activities = fields.Json(groups=fields.NO_ACCESS, copy=False)
    has_activities_waiting = fields.Boolean(groups=fields.NO_ACCESS, copy=False)
    chatter_message_id = fields.Many2one(
        "mail.message",
        string="Note in the chatter",
        groups=fields.NO_ACCESS,
        index="btree_not_null",
        ondelete="set null",
        copy=False,
    )
    facts = fields.Json(groups=fields.NO_ACCESS, copy=False)
    last_event_at = fields.Datetime(internal=True, readonly=True)
    reported_at = fields.Datetime(
        internal=True, readonly=True, help="When Odoo learnt that the call was over."
    )
    # It could not be closed, and waits until then.
    close_after = fields.Datetime(groups=fields.NO_ACCESS, copy=False)
    own_leg_only = fields.Boolean(
        internal=True,
        readonly=True,
        help="So far, only our own leg of a click-to-call.",
    )
    clicked_at = fields.Datetime(
        internal=True,
        readonly=True,
        copy=False,
        help="When Odoo was asked to dial.",
    )
    # One for each click: a request that Odoo runs again has the same.
    click_key = fields.Char(string="Click", groups=fields.NO_ACCESS, copy=False)
    res_model = fields.Char(
        internal=True, string="Model of the record", readonly=True, copy=False
    )
    res_id = fields.Many2oneReference(
        internal=True,
        string="Record",
        model_field="res_model",
        readonly=True,
        copy=False,
        help="The record from which the number was dialled.",
    )
    record_name = fields.Char(string="Dialled from", compute="_compute_record_name")
    then_dial = fields.Char(
        internal=True,
        readonly=True,
        copy=False,
        help="The digits to dial once somebody answers.",
    )
    from_history = fields.Boolean(
        string="Found later",
        readonly=True,
        help="No event reported this call. It was found among the PBX's past calls.",
    )
    corrected = fields.Boolean(
        readonly=True,
        help="The PBX's past calls contradict its events. The past calls count.",
    )
    called_back = fields.Boolean(
        string="Settled by hand",
        compute="_compute_called_back",
        search="_search_called_back",
        help="Its call-back was dismissed, or somebody spoke with the caller in "
        "another way.",
    )
    to_call_back = fields.Boolean(
        string="To call back",
        compute="_compute_to_call_back",
        search="_search_to_call_back",
        help="It reached nobody, and nobody has called back yet.",
    )
    owner_id = fields.Many2one(
        "res.users",
        string="Salesperson",
        compute="_compute_owner_id",
        # Whose customer calls is for all who see the call: the name, nothing else.
        compute_sudo=True,
        help="Whose customer it is: by the contact, its company, the lead, or an open "
        "lead of the contact.",
    )
    is_my_customer = fields.Boolean(
        string="Call of my customer",
        compute="_compute_is_my_customer",
        search="_search_is_my_customer",
        help="You are the salesperson of the contact or the lead.",
    )
    concerns_me = fields.Boolean(
        internal=True,
        compute="_compute_concerns_me",
        search="_search_concerns_me",
        help="You spoke, your phone rang, it is your customer or lead, or you call "
        "back.",
    )
    is_new_caller = fields.Boolean(
        string="New caller",
        compute="_compute_is_new_caller",
        search="_search_is_new_caller",
        help="The first call with this number in the company's log, and it came in.",
    )
    voicemail_id = fields.Many2one("pbx.recording", compute="_compute_voicemail")
    voicemail_seconds = fields.Integer(
        string="Length of the voicemail",
        compute="_compute_voicemail",
        help="Seconds of what the caller said; 0: unknown.",
    )
    # How the screens show it.
    colleague_name = fields.Char(
        string="Colleague",
        compute="_compute_colleague",
        help="Of an internal call: who is at the other end.",
    )
    colleague_avatar = fields.Char(internal=True, compute="_compute_colleague")
    colleague_number = fields.Char(
        string="Colleague's number", compute="_compute_colleague"
    )
    line_readable = fields.Char(
        string="Number of our line",
        compute="_compute_line_readable",
        search="_search_line_readable",
        help="Which of our numbers was called, or was shown.",
    )
    line_name = fields.Char(
        string="Our line",
        compute="_compute_line_name",
        help="Which of our lines was called, or was shown, by its name if it has one.",
    )
    number_country_id = fields.Many2one(
        "res.country", string="Country of the number", compute="_compute_number_country"
    )
    number_flag = fields.Char(
        internal=True, string="Flag", compute="_compute_number_country"
    )
    lead_contact = fields.Char(
        string="Name in the lead", compute="_compute_lead_contact", compute_sudo=True
    )
    has_candidates = fields.Boolean(internal=True, compute="_compute_has_candidates")

    # One call has one id; a click that waits for its first event has none yet.
    _ref_uniq = models.UniqueIndex("(provider_id, ref) WHERE ref IS NOT NULL")
    # The log in its order, with all that figures are made of, and what an agent's calls
    # are known by: for these it is read without the rows. None of that is changed by an
    # event that changes nothing else which an index names.
    _start_idx = models.Index(
        "(company_id, start DESC, id DESC) INCLUDE (wait_seconds, talk_seconds, "
        "is_blocked, state, direction, outcome, number, user_id, line_id, team_id, "
        "source_id, campaign_id, provider_id, partner_id, lead_id, promise_id)"
    )
    _provider_start_idx = models.Index("(provider_id, start DESC)")
    # No index names what each event changes (last_event_at, write_date): such a row
    # would have to be entered into all of them anew. See docs/decisions.md.
    _open_idx = models.Index("(provider_id) WHERE state != 'done'")
    # Who called when, and who for the first time.
    _number_idx = models.Index(
        "(number, company_id, start, id) INCLUDE (direction, state, is_blocked)"
    )
    _number_lead_idx = models.Index("(number, company_id) WHERE lead_id IS NOT NULL")
    _picked_idx = models.Index("(number, company_id) WHERE partner_source = 'picked'")
    _waiting_tail_idx = models.Index(
        f"((right(number, {numbers.TAIL_DIGITS}))) "
        "WHERE partner_id IS NULL AND number IS NOT NULL"
    )
    _own_leg_idx = models.Index("(provider_id, start) WHERE own_leg_only")
    _line_idx = models.Index("(company_id, line) WHERE direction = 'inbound'")
    _click_uniq = models.UniqueIndex("(click_key) WHERE click_key IS NOT NULL")
    _click_waits_idx = models.Index("(provider_id, clicked_at) WHERE ref IS NULL")
    _click_user_idx = models.Index("(user_id, clicked_at) WHERE clicked_at IS NOT NULL")
    # Lost calls: the job looks for those without a call-back, figures for those with.
    _lost_idx = models.Index(
        "(company_id, start DESC, id DESC) INCLUDE (promise_id, state, is_blocked, "
        "user_id, line_id, team_id, source_id, campaign_id, provider_id) "
        "WHERE direction = 'inbound' AND outcome IN ('missed', 'busy', 'failed')"
    )
    # Filters of the list, counted among the calls at which a user's phone rang.
    _missed_idx = models.Index("(id) INCLUDE (company_id) WHERE outcome = 'missed'")
    _unknown_idx = models.Index(
        "(id) INCLUDE (company_id, direction) "
        "WHERE partner_id IS NULL AND lead_id IS NULL"
    )
    _record_idx = models.Index("(res_model, res_id) WHERE res_id IS NOT NULL")
    _activities_idx = models.Index("(id) WHERE has_activities_waiting")
    _lead_waits_idx = models.Index("(lead_after) WHERE lead_after IS NOT NULL")
    # Whose calls, in the order of the log; and who has talked last: routing asks.
    _user_idx = models.Index(
        "(user_id, start DESC, id DESC) INCLUDE (company_id) WHERE user_id IS NOT NULL"
    )
    _spoken_idx = models.Index("(number, company_id, start) WHERE outcome = 'answered'")

    # -------------------------------------------------------------------- what is shown

    @api.depends("number")
    def _compute_number_readable(self):
        for call in self:
            call.number_readable = numbers.readable(call.number)

    @api.depends("start")
    @api.depends_context("tz", "uid")
    def _compute_start_parts(self):
        for call in self:
            start = local_time_of(self.env, call.start)
            call.start_hour, call.start_weekday = start.hour, start.weekday()

    @api.model
    def _search_start_hour(self, operator, value):
        return search_part("start_hour", operator, value)

    @api.model
    def _search_start_weekday(self, operator, value):
        return search_part("start_weekday", operator, value)

    @api.model
    def _search_number_readable(self, operator, value):
        """Find a number in whatever style it is typed."""
        if operator == "in":
            return Domain.OR(self._search_number_readable("=", text) for text in value)
        if operator not in ("=", "ilike", "like", "=ilike", "=like"):
            return NotImplemented
        if not value:
            return Domain("number", operator, value)
        value = _LINK.sub("", value)
        read = {numbers.to_e164(value, code) for code in self._reading_countries()}
        read |= {numbers.canonical(number) for number in read}
        domain = Domain("number", "in", sorted(read - {""}))
        if any(char.isalpha() for char in value):
            # The digits in a name are no number.
            return domain
        # The zero that is dialled at home only.
        plain = numbers.digits(_HOME_ZERO.sub("", value))
        if value.strip().startswith("00"):
            plain = plain[2:]
        if operator == "=":
            return domain | Domain("number", "in", (plain, f"+{plain}"))
        if value.strip().startswith("+"):
            # As it begins, which the index knows; digits inside take much longer.
            return domain | Domain("number", "=like", f"+{plain}%")
        # A national number is found by its digits behind the leading zero.
        plain = plain.lstrip("0")
        return domain | (Domain("number", "ilike", plain) if plain else Domain.FALSE)

    def _reading_countries(self):
        """Return the codes of the countries in which typed numbers are read.

        Those of the user's companies and their PBXs, the present one's first.
        """
        companies = self.env.company | self.env.companies
        # sudo: a country, for whoever sees the calls
        providers = self.env["pbx.provider"].sudo()
        providers = providers.search([("company_id", "in", companies.ids)])
        countries = companies.country_id | providers.country_id
        return countries.mapped("code") or [None]

    @api.depends(
        "partner_id",
        "lead_id.contact_name",
        "lead_id.partner_name",
        "lead_id.name",
        "number",
        "direction",
    )
    @api.depends_context("uid")
    def _compute_display_name(self):
        for call in self:
            if not may_be_named(call):
                call.display_name = False
                continue
            # sudo: the log shows the names of its callers to all who see the call
            call.display_name = (
                call.partner_id.sudo().display_name
                or call.lead_contact
                or call.colleague_name
                or call.number_readable
                or (
                    self.env._("Unknown number")
                    if call.direction == "outbound"
                    else self.env._("Withheld number")
                )
            )

    @api.model
    def _search_display_name(self, operator, value):
        """Find by who it was: contact, lead, or number in any style."""
        if operator not in ("in", "ilike", "like", "=ilike", "=like"):
            return NotImplemented
        if operator == "in":
            value = [text for text in value if isinstance(text, str)]
        elif not value:
            return Domain.TRUE
        if operator == "ilike" and _is_number(value):
            # No name has it inside, and Odoo reads all contacts to find that out.
            begins = Domain.custom(to_sql=partial(name_begins, numbers.digits(value)))
            domain = Domain("partner_id", "any", begins)
        else:
            domain = Domain("partner_id.display_name", operator, value)
        domain |= Domain("lead_id", "any!", _shown_name(operator, value))
        if self.env["crm.lead"].has_access("read"):
            domain |= Domain("lead_id.display_name", operator, value)
        return domain | self._search_number_readable(operator, value)

    @api.depends("direction", "number", "user_id", "extension_id", "leg_ids.user_id")
    @api.depends_context("uid")
    def _compute_colleague(self):
        for call in self:
            other = call._other_leg()
            call.colleague_name = other.user_id.name or other.extension_id.display_name
            call.colleague_number = other.shown_number
            call.colleague_avatar = (
                f"/web/image/res.users/{other.user_id.id}/avatar_128"
                if other.user_id
                else False
            )

    def _is_to_me(self):
        """Tell whether a colleague calls this user."""
        if self.direction != "internal" or self.user_id == self.env.user:
            return False
        phones = self.env.user.pbx_extension_ids
        called = self.leg_ids.filtered(lambda leg: leg.shown_number == self.number)
        return bool(called.extension_id & phones) and self.extension_id not in phones

    def _outcome_for_me(self):
        """Return the outcome as this user has it: whom a colleague called in vain has
        missed a call, whatever it is to the caller."""
        in_vain = self.outcome in ("cancelled", "no_answer")
        return "missed" if in_vain and self._is_to_me() else self.outcome or ""

    def _other_leg(self):
        """Return the leg at the other end of an internal call, none of other calls."""
        if self.direction != "internal":
            return self.env["pbx.call.leg"]
        is_to_me = self._is_to_me()
        return self.leg_ids.filtered(
            lambda leg: (leg.shown_number != self.number) is is_to_me
        )[:1]

    @api.depends("number", "partner_id", "partner_source")
    @api.depends_context("uid", "company")
    def _compute_candidate_ids(self):
        directory = self.env["pbx.directory"]
        for call in self:
            call.candidate_ids = False
            if call.number and not call.partner_id:
                settings = call.provider_id._settings(call.provider_id.id)
                call.candidate_ids = directory._candidates(settings, call.number)

    @api.depends("user_id", "participant_ids", "direction", "state", "outcome")
    @api.depends_context("uid")
    def _compute_can_claim(self):
        for call in self:
            # Of an incoming call nobody answered, nobody says "it was me".
            was_somebody = (
                call.direction != "inbound"
                or call.state == "ongoing"
                or call.outcome == "answered"
            )
            call.can_claim = (
                was_somebody
                and not call.user_id
                # sudo: who took part is what decides that one may
                and self.env.user in call.sudo().participant_ids
            )

    @api.depends("leg_ids.extension_id")
    def _compute_unknown_extensions(self):
        for call in self:
            legs = call.leg_ids.filtered(lambda leg: not leg.extension_id)
            call.unknown_extensions = ", ".join(legs.mapped("number")) or False

    @api.depends("line")
    def _compute_line_readable(self):
        for call in self:
            call.line_readable = numbers.readable(call.line)

    @api.depends("line", "provider_id")
    def _compute_line_name(self):
        names = self.env["pbx.line"]._names_of(self)
        for call in self:
            name = names.get((call.provider_id.id, call.line))
            call.line_name = name or call.line_readable

    @api.model
    def _search_line_readable(self, operator, value):
        """Find a line by its name, or in whatever style its number is typed."""
        domain = self._search_number_readable(operator, value)
        if domain is NotImplemented:
            return domain
        domain = domain.map_conditions(
            lambda condition: Domain("line", condition.operator, condition.value)
        )
        if not value:
            return domain
        lines = self.env["pbx.line"].with_context(active_test=False)
        named = lines.search([("name", operator, value)])
        return domain | Domain.OR(
            Domain("provider_id", "=", provider.id)
            & Domain("line", "in", lines.mapped("number"))
            for provider, lines in named.grouped("provider_id").items()
        )

    @api.depends("number")
    def _compute_number_country(self):
        codes = {call: numbers.country_of(call.number) for call in self}
        countries = self.env["res.country"].search(
            [("code", "in", [code for code in set(codes.values()) if code])]
        )
        by_code = {country.code: country for country in countries}
        for call in self:
            call.number_country_id = by_code.get(codes[call], False)
            call.number_flag = call.number_country_id.image_url

    @api.depends("lead_id.contact_name", "lead_id.partner_name", "lead_id.name")
    def _compute_lead_contact(self):
        for call in self:
            lead = call.lead_id
            call.lead_contact = lead.contact_name or lead.partner_name or lead.name

    @api.depends("res_model", "res_id", "partner_id", "lead_id")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_record_name(self):
        for call in self:
            record = call._dialled_from()
            is_shown = record and record not in (
                call.partner_id,
                call.lead_id,
            )
            call.record_name = is_shown and record.display_name

    def _dialled_from(self):
        """Return the record from which this call was dialled, ``None`` for none.

        Also for one that is gone, or that the user may not read.
        """
        if not self.res_model or self.res_model not in self.env:
            return None
        # Under the user's own rights, whatever those are under which a call is read.
        record = self.env[self.res_model].sudo(False).browse(self.res_id).exists()
        return record if record and record.has_access("read") else None

    @api.depends("candidate_ids")
    def _compute_has_candidates(self):
        for call in self:
            call.has_candidates = bool(call.candidate_ids)

    @api.depends("promise_part", "promise_id.state")
    @api.depends_context(UNSETTLED)
    def _compute_to_call_back(self):
        # sudo: only of calls that are being read
        waiting = self.sudo().filtered_domain(self._waits())
        for call in self:
            call.to_call_back = call in waiting

    @api.model
    def _search_to_call_back(self, operator, value):
        return search_boolean(operator, value, self._waits())

    @api.model
    def _waits(self):
        """Return the domain of lost calls whose caller waits to be called back."""
        return Domain("promise_part", "=", "lost") & Domain(
            "promise_id",
            "any!",
            Domain("state", "=", "open") & self.env["pbx.promise"]._is_settled(),
        )

    @api.depends("promise_part", "promise_id.state", "promise_id.closed_call_id")
    def _compute_called_back(self):
        # sudo: only of calls that are being read
        settled = self.sudo().filtered_domain(self._settled_by_hand())
        for call in self:
            call.called_back = call in settled

    @api.model
    def _search_called_back(self, operator, value):
        return search_boolean(operator, value, self._settled_by_hand())

    @api.model
    def _settled_by_hand(self):
        by_hand = Domain("state", "=", "dismissed") | (
            Domain("state", "=", "kept") & Domain("closed_call_id", "=", False)
        )
        return Domain("promise_part", "=", "lost") & Domain(
            "promise_id", "any!", by_hand
        )

    def _settles_in_seconds(self):
        """Return after how many seconds it is sure enough that this missed call is over
        for good; 0: it is, or it is none."""
        self.ensure_one()
        if self.outcome not in LOST_OUTCOMES or not self.stop:
            return 0
        settings = self.env["pbx.provider"]._settings(self.provider_id.id)
        if not dialects.get(settings.dialect).reopens:
            return 0
        settled = self.stop + timedelta(seconds=SETTLED_SECONDS)
        left = (settled - fields.Datetime.now()).total_seconds()
        # A second more: the stop is kept to the second.
        return int(left) + 1 if left >= 0 else 0

    @api.depends("route_outcome")
    @api.depends_context("uid", "lang")
    def _compute_route_reason(self):
        for call in self:
            # sudo: the decision, of which the words show no more than names
            outcome = call.sudo().route_outcome
            call.route_reason = outcome and self.env["pbx.route"]._explain(outcome)

    @api.depends("outcome", "disposition")
    @api.depends_context("uid", "lang")
    def _compute_failure_reason(self):
        for call in self:
            call.failure_reason = call._explain_failure()

    def _explain_failure(self):
        """Return why the call failed in the reader's language, ``""`` if it did not.

        A word of the PBX that its dialect does not know is returned as reported.
        """
        if self.outcome != "failed":
            return ""
        # sudo: what kind of PBX it is, nothing else
        dialect = self.provider_id.sudo()._dialect()
        word = (self.disposition or "").strip()
        failure = ""
        if self.clicked_at or not word or dialect.reports_legs:
            # sudo: of the facts only why a leg, or Odoo's own click, came to nothing
            facts = CallFacts.from_json(self.sudo().facts)
            failure = next((e.failure for e in facts.events if e.failure), "")
        failure = failure or dialect.failures.get(word.lower())
        if not failure:
            return word
        return explain_failure(self.env, failure, dialect.label)

    @api.depends(
        "partner_id.user_id", "partner_id.commercial_partner_id.user_id",
        "lead_id.user_id",
    )  # fmt: skip
    def _compute_owner_id(self):
        """The contact's salesperson, or who has a lead of it."""
        rest = self.browse()
        for call in self:
            partner = call.partner_id
            call.owner_id = (
                partner.user_id
                or partner.commercial_partner_id.user_id
                or call.lead_id.user_id
            )
            if partner and not call.owner_id:
                rest += call
        by_leads = rest._owners_by_leads()
        for call in rest:
            call.owner_id = by_leads.get(call.id, False)

    @api.depends("partner_id.user_id", "lead_id.user_id")
    @api.depends_context("uid")
    def _compute_is_my_customer(self):
        for call in self:
            # sudo: whether it is this user, nothing else
            partner, lead = call.partner_id.sudo(), call.lead_id.sudo()
            call.is_my_customer = self.env.user in partner.user_id | lead.user_id

    @api.model
    def _search_is_my_customer(self, operator, value):
        mine = Domain.custom(to_sql=_is_my_customer)
        return search_boolean(operator, value, mine)

    @api.depends(
        *("user_id", "participant_ids", "partner_id.user_id", "lead_id.user_id"),
        "promise_id.user_id",
    )
    @api.depends_context("uid")
    def _compute_concerns_me(self):
        for call in self:
            # sudo: whether it is this user, nothing else
            known = call.sudo()
            call.concerns_me = self.env.user in (
                known.user_id
                | known.participant_ids
                | known.partner_id.user_id
                | known.lead_id.user_id
                | known.promise_id.user_id
            )

    @api.model
    def _search_concerns_me(self, operator, value):
        return search_boolean(operator, value, Domain.custom(to_sql=concerns_me))

    @api.depends("number", "start", "direction")
    def _compute_is_new_caller(self):
        domain = Domain("id", "in", self.ids) & Domain.custom(to_sql=_is_new_caller)
        # sudo: whether there was a call before, of calls that are being read
        new = self.sudo().search(domain)
        for call in self:
            call.is_new_caller = call.sudo() in new

    @api.model
    def _search_is_new_caller(self, operator, value):
        new = Domain.custom(to_sql=_is_new_caller)
        return search_boolean(operator, value, new)

    def _owners_by_leads(self):
        """Return ``{id of a call: user}``: who has the newest open lead of its contact,
        else of the contact's company."""
        if not self:
            return {}
        partners = self.partner_id | self.partner_id.commercial_partner_id
        newest = self.env["crm.lead"]._read_group(
            [
                ("partner_id", "in", partners.ids),
                ("company_id", "in", [False, *self.company_id.ids]),
                ("won_status", "=", "pending"),
                ("user_id", "!=", False),
            ],
            ["partner_id", "company_id"],
            ["id:max"],
        )
        leads = self.env["crm.lead"].browse([lead_id for *_, lead_id in newest])
        found = {}
        for call in self:
            partner = call.partner_id
            for whose in (partner, partner.commercial_partner_id):
                theirs = [
                    lead
                    for (who, company, _id), lead in zip(newest, leads, strict=True)
                    if who == whose and company in (call.company_id, company.browse())
                ]
                if theirs:
                    found[call.id] = max(theirs, key=lambda lead: lead.id).user_id
                    break
        return found

    @api.depends("tag_ids.is_spam")
    def _compute_is_spam(self):
        for call in self:
            call.is_spam = any(call.tag_ids.mapped("is_spam"))

    @api.model
    def _search_is_spam(self, operator, value):
        return search_boolean(operator, value, Domain("tag_ids.is_spam", "=", True))

    @api.depends("outcome", "recording_ids.state", "recording_ids.file_seconds")
    @api.depends_context("uid")
    def _compute_voicemail(self):
        for call in self:
            # Missed, and something of it was recorded: the caller spoke to a machine.
            recordings = call.outcome == "missed" and call.recording_ids
            call.voicemail_id, call.voicemail_seconds = False, 0
            if not recordings:
                continue
            # sudo: of the facts only how long it lasted, of the file its length
            facts = CallFacts.from_json(call.sudo().facts)
            if not may_be_heard(facts):
                # Recorded from its first ring on: there is something if a file says so.
                recordings = recordings.filtered(
                    lambda one: one.state in ("stored", "linked")
                )
            if recordings:
                call.voicemail_id = recordings[0]
                lasted = max((e.talk or 0 for e in facts.events), default=0)
                call.voicemail_seconds = lasted or recordings[0].sudo().file_seconds

    # ------------------------------------------------------------------------ searching

    @api.model
    def _search(self, domain, offset=0, limit=None, order=None, **options):
        """Find by each of several reasons apart: see ``search.py``.

        The rules apply to each, as anywhere else.
        """
        page = (offset, limit, order)
        if self.env.su or options.get("bypass_access"):
            return super()._search(domain, *page, **options)
        plain = super()._search
        of_many = super(PbxCall, self.with_context(**{MANY: True}))._search
        return CallSearch(self, plain, of_many, domain, *page, options).query()

    # ------------------------------------------------------------------------ exporting

    def _export_rows(self, fields, *, _is_toplevel_call=True):
        """Export the names that the list shows, also of a colleague's lead.

        Odoo's own export asks for the right to read each linked record, and refuses the
        whole file without it.
        """
        names = {
            place: path[0]
            for place, path in enumerate(fields)
            if len(path) == 1
            and (field := self._fields.get(path[0]))
            and field.type == "many2one"
        }
        with_ids = [
            [".id"] if place in names else path for place, path in enumerate(fields)
        ]
        rows = super()._export_rows(with_ids, _is_toplevel_call=_is_toplevel_call)
        for row in rows:
            for place, name in names.items():
                # Empty in further rows of the same call.
                if row[place]:
                    call = self.browse(int(row[place]))
                    # sudo: the name of what the call is linked to, as lists show it
                    row[place] = call[name].sudo().display_name or ""
        return rows

    # ----------------------------------------------------------------------------- CRUD

    def write(self, vals):
        if not self.env.su and (names := PBX_FIELDS.intersection(vals)):
            raise AccessError(
                self.env._(
                    "What the cloud PBX reported about a call cannot be changed: %s",
                    ", ".join(sorted(names)),
                )
            )
        if "partner_id" in vals and "partner_source" not in vals:
            # A person's choice, an empty one too: no machine moves it.
            vals = {**vals, "partner_source": "picked"}
        if "lead_id" in vals and not self.env.su:
            vals = {**vals, "lead_picked": True}
        if "user_id" in vals and "user_picked" not in vals:
            self._check_user_choice(vals["user_id"])
            vals = {**vals, "user_picked": bool(vals["user_id"])}
        self._check_links(vals)
        if "tag_ids" in vals:
            # Two who tag a call at once, or one while it ends: each sees the other's.
            self.check_access("write")
            lock_rows(self, "NO KEY UPDATE")
        had_tags = self._tags_by_call() if "tag_ids" in vals else {}
        result = super().write(vals)
        if "tag_ids" in vals:
            self._check_company(["tag_ids"])
        if not self.env.su and {"partner_id", "lead_id"}.intersection(vals):
            # What the machine links is of the right company already.
            self._check_company(["partner_id", "lead_id"])
        self.env["pbx.notifier"]._call_written(self, vals)
        # The job that makes leads sees to their call-backs itself.
        if FOLLOWED.intersection(vals) and "lead_verdict" not in vals:
            self._follow_promises()
        if "tag_ids" in vals:
            self._tags_written(had_tags)
            AutomaticLead.follow_tags(self)
        elif TAGS_FOLLOW.intersection(vals):
            self._plan_tag_activities()
        if LEADS_FOLLOW.intersection(vals) and "lead_after" not in vals:
            LeadQueue.calls_written(self, LEADS_FOLLOW.intersection(vals))
        if REPEATED.intersection(vals):
            self.env["pbx.chatter"]._call_changed(self)
        return result

    def unlink(self):
        self.env["pbx.notifier"]._call_removed(self)
        # The database would remove the rows of the recordings, but not their files.
        self.sudo().recording_ids.unlink()  # sudo: who may remove the call may
        # sudo: a call-back goes with its lost calls, whoever removes these
        promises = self.sudo().promise_id.filtered(lambda one: one.state == "open")
        affected = {}
        for promise in promises:
            of_company = affected.setdefault(promise.company_id.id, {})
            of_company[promise.number] = promise.began_at
        result = super().unlink()
        for company_id, since in affected.items():
            PromiseFollower(self.env, company_id).follow_whole(since)
        return result

    def _follow_promises(self):
        """Derive the call-backs of these calls anew: whose they are has changed."""
        for company, calls in (
            self.sudo().grouped("company_id").items()
        ):  # sudo: derived
            PromiseFollower(self.env, company.id, lately=True).follow_calls(calls)

    def _check_links(self, vals):
        """Refuse to link what the user may not read: its name would be shown.

        Odoo shows the names of linked records to whoever reads the record they are
        linked to.
        """
        if self.env.su:
            return
        for name, value in vals.items():
            field = self._fields.get(name)
            if value and field and field.type == "many2one":
                linked = self.env[field.comodel_name].browse(value).exists()
                if not linked.has_access("read"):
                    raise AccessError(
                        self.env._(
                            "You cannot link this record: you have no access to it."
                        )
                    )

    # ---------------------------------------------------------------------------- tags

    def _tags_by_call(self):
        """Return ``{id of a call: ids of its tags}``, archived ones too."""
        self.flush_model(["tag_ids"])
        tags = dict.fromkeys(self.ids, frozenset())
        rows = self.env.execute_query(
            SQL(
                """SELECT call_id, array_agg(tag_id) FROM pbx_call_tag_rel
                    WHERE call_id = ANY(%s) GROUP BY call_id""",
                list(self.ids),
            )
        )
        tags.update({call_id: frozenset(tag_ids) for call_id, tag_ids in rows})
        return tags

    def _tags_written(self, before):
        """Do what follows from tags that were put on these calls, or taken from them.

        :param dict before: of :meth:`_tags_by_call`.
        """
        after = self._tags_by_call()
        changed = self.filtered(lambda call: before[call.id] != after[call.id])
        if not changed:
            return
        added = {call.id: after[call.id] - before[call.id] for call in changed}
        removed = {call.id: before[call.id] - after[call.id] for call in changed}
        TagActivities(self.env).note(changed, added, removed)
        # sudo: what a tag means is no secret
        tags_sudo = self.env["pbx.call.tag"].sudo().with_context(active_test=False)
        spam = tags_sudo.search([("is_spam", "=", True)])
        spam_ids = frozenset(spam.ids)
        changed = changed.filtered(
            lambda call: (
                bool(before[call.id] & spam_ids) != bool(after[call.id] & spam_ids)
            )
        )
        for company, calls in changed.sudo().grouped("company_id").items():
            # sudo: derived
            PromiseFollower(self.env, company.id, lately=True).follow_tags(calls)

    def _plan_tag_activities(self):
        """The end of these calls, or whose they are, may be what activities wait for.

        The log is not held up by it.
        """
        # sudo: of the calls that are being written, only whether something waits
        if any(
            call.has_activities_waiting and call.state == "done" for call in self.sudo()
        ):
            self.env.ref("cloud_pbx.ir_cron_tags").sudo()._trigger()

    def action_nothing_to_say(self):
        """The card need not ask for a tag of these calls any more."""
        return self.write({"is_wrapped_up": True})

    def action_block_number(self):
        """Refuse the number of this call from now on."""
        self.ensure_one()
        blocked = self.env["pbx.blocked"]
        blocked.check_access("create")
        number = numbers.canonical(self.number or "")
        if not number.startswith("+"):
            raise UserError(self.env._("This number cannot be blocked."))
        shown = numbers.readable(number)
        if blocked._is_blocked(self.company_id.id, number):
            message = self.env._("%s is blocked already.", shown)
            return notification(message)
        names = ", ".join(self.tag_ids.filtered("is_spam").mapped("name"))
        reason = names or self.env._("Spam")
        ended = blocked.search(
            [("company_id", "=", self.company_id.id), ("number", "=", number)]
        )
        if ended:
            ended.write({"until": False, "reason": reason})
        else:
            blocked.create(
                {
                    "company_id": self.company_id.id,
                    "number": number,
                    "reason": reason,
                }
            )
        message = self.env._("%s is blocked from now on.", shown)
        return notification(message, "success")

    def _check_user_choice(self, user_id):
        if self.env.su or self.env.user.has_group("cloud_pbx.group_pbx_manager"):
            return
        if user_id != self.env.uid or not all(call.can_claim for call in self):
            raise AccessError(
                self.env._("Only a supervisor changes whose call it was.")
            )

    # ------------------------------------------------------------------- look-ups by id

    @api.model
    def _find_by_ref(self, provider_id, ref):
        """Return the call that the PBX names ``ref``, whichever of its ids that is."""
        self.flush_model(["provider_id", "ref"])
        rows = self.env.execute_query(
            SQL(
                """(SELECT id FROM pbx_call
                     WHERE provider_id = %(provider)s AND ref = %(ref)s)
                    UNION ALL
                   (SELECT call_id FROM pbx_call_ref
                     WHERE provider_id = %(provider)s AND ref = %(ref)s) LIMIT 1""",
                provider=provider_id,
                ref=ref,
            )
        )
        return self.browse(row[0] for row in rows)

    @api.model
    def _find_by_refs(self, provider_id, refs):
        """Return ``{ref: call}`` of those of ``refs`` that are known."""
        self.flush_model(["provider_id", "ref"])
        rows = self.env.execute_query(
            SQL(
                """SELECT ref, id FROM pbx_call
                    WHERE provider_id = %(provider)s AND ref = ANY(%(refs)s)
                    UNION ALL
                   SELECT ref, call_id FROM pbx_call_ref
                    WHERE provider_id = %(provider)s AND ref = ANY(%(refs)s)""",
                provider=provider_id,
                refs=refs,
            )
        )
        # One prefetch for all of them.
        calls = self.browse([call_id for _ref, call_id in rows])
        return {ref: call for (ref, _id), call in zip(rows, calls, strict=True)}

    # ------------------------------------------------------------------- what people do

    def action_claim(self):
        """“It was me”: several people share the extension that spoke."""
        for call in self:
            if not call.can_claim:
                raise UserError(
                    self.env._(
                        "This call has its user already, or your phone had no part "
                        "in it."
                    )
                )
        self.write({"user_id": self.env.uid})
        return True

    def _pick(self, partner):
        """Link ``partner`` by a person's choice; it is remembered for the number."""
        self.write({"partner_id": partner.id})
        for call in self:
            if call.number and not partner.phone and partner.has_access("write"):
                # Entered once here, it is found by everybody from now on.
                partner.phone = numbers.readable(call.number)

    def action_open_record(self):
        """Open the record from which the call was dialled."""
        self.ensure_one()
        record = self._dialled_from()
        if record is None:
            raise UserError(self.env._("It is no longer there. Load the page again."))
        return record.get_formview_action()

    def action_create_contact(self):
        """Open the form of a new contact that has the number already."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New contact"),
            "res_model": "res.partner",
            "views": [(False, "form")],
            "target": "current",
            "context": {
                "default_phone": self._phone_for_form(),
                "default_user_id": self.user_id.id,
                "default_country_id": self._country_of_number().id,
                "default_company_id": False,
                # As a default it is not handed on to what is created on the way.
                "default_pbx_new_from_call_id": self.id,
            },
        }

    def action_create_lead(self):
        """Open the form of a new lead for this caller; or the lead the call has."""
        self.ensure_one()
        if self.lead_id and self.lead_id.has_access("read"):
            return self.lead_id.get_formview_action()
        if self.direction == "internal":
            raise UserError(self.env._("No lead can be created from an internal call."))
        who = self.partner_id.display_name or self._phone_for_form()
        company = self.company_id
        partner = self.partner_id
        # Its company may have changed since: Odoo refuses a lead of two.
        partner = partner.filtered_domain(partner._check_company_domain(company))
        user = self.user_id
        if company.id not in user._get_company_ids():
            user = self.env.user
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New lead"),
            "res_model": "crm.lead",
            "views": [(False, "form")],
            "target": "current",
            "context": {
                "default_type": (
                    "lead"
                    if self.env.user.has_group("crm.group_use_lead")
                    else "opportunity"
                ),
                "default_name": self.env._("Call from %s", who)
                if self.direction == "inbound"
                else self.env._("Call to %s", who),
                # The form is the call's company's alone: so is the team that Odoo
                # gives the salesperson.
                "allowed_company_ids": company.ids,
                "default_company_id": company.id,
                "default_partner_id": partner.id,
                "default_phone": self._phone_for_form(),
                "default_user_id": user.id,
                "default_description": plaintext2html(self.note)
                if self.note
                else False,
                # As a default it is not handed on to what is created on the way.
                "default_pbx_new_from_call_id": self.id,
            },
        }

    def action_create_extensions(self):
        """Offer the internal numbers that nobody entered yet."""
        self.ensure_one()
        name = (self.unknown_extensions or "").split(", ")[0]
        dialect = self.provider_id._dialect()
        known = {f"default_{dialect.extension_identity}": name}
        # What the PBX calls a phone need not be its number.
        if number := dialect.read_extension(name):
            known["default_number"] = number
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New internal number"),
            "res_model": "pbx.extension",
            "views": [(False, "form")],
            "target": "new",
            "context": {**known, "default_provider_id": self.provider_id.id},
        }

    def _phone_for_form(self):
        return numbers.readable(self.number) or False

    def _country_of_number(self):
        code = numbers.country_of(self.number)
        return self.env["res.country"].search([("code", "=", code)], limit=1)

    @api.model
    def _adopt_created(self, records, call_ids):
        """Link contacts or leads that were just created from a call's form to the call.

        The first one only: the form that creates it offers to create another one.

        :param call_ids: of the calls, as the form sent them; empty for other records.
        """
        for record, call_id in zip(records, call_ids, strict=True):
            call = self.browse(call_id or ()).exists()
            if not call:
                continue
            # Its id is as the form sent it, and what follows is not all a write.
            call.check_access("read")
            if record._name == "crm.lead":
                # sudo: what the job made meanwhile, whoever may see it
                made = AutomaticLead(call.sudo().lead_id)
                if call.lead_id and made.is_untouched:
                    record._came_from(call)
                    made.give_way_to(record)
                    call.write({"lead_id": record.id})
                elif made.lead.pbx_automatic:
                    # Somebody works on that one already; both came from the call.
                    record._came_from(call)
                elif not call.lead_id:
                    call.write({"lead_id": record.id})
                    record._came_from(call)
                    if record.partner_id and not call.partner_id:
                        call.write({"partner_id": record.partner_id.id})
                elif not call.lead_id.has_access("read") and not call._has_lead_of(
                    self.env.uid
                ):
                    # A colleague's, and the call stays linked to that.
                    record._came_from(call)
            elif not call.partner_id or call.partner_source != "picked":
                call.write({"partner_id": record.id})

    def _has_lead_of(self, user_id):
        """Tell whether a lead that this user created came from the call."""
        # sudo: whether there is one
        leads = self.env["crm.lead"].sudo().with_context(active_test=False)
        return bool(
            leads.search_count(
                [("pbx_call_id", "=", self.id), ("create_uid", "=", user_id)], limit=1
            )
        )

    @api.model
    def _record_merged(self, gone, left):
        """Calls that were dialled from records ``gone`` were dialled from ``left``."""
        # sudo: what becomes of a call does not depend on who may see it
        calls = self.sudo().search(
            [("res_model", "=", left._name), ("res_id", "in", gone.ids)]
        )
        calls.write({"res_id": left.id})

    def action_called_back(self):
        """Somebody spoke with these callers in another way: nobody has to call back."""
        waiting = self.filtered(lambda call: call.promise_part == "lost").promise_id
        if not waiting:
            raise UserError(self.env._("Nobody waits to be called back here."))
        promises = waiting.filtered(lambda promise: promise.state == "open")
        promises.action_spoken()
        who = (
            promises.display_name if len(promises) == 1
            else self.env._("%s callers", len(promises))
        )  # fmt: skip
        return {
            "type": "ir.actions.client",
            "tag": "cloud_pbx_dismissed",
            "params": {
                "ids": self.filtered(lambda call: call.promise_id in promises).ids,
                "message": self.env._("Spoken with: %s", who),
                # The view from which it was done reads itself anew.
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def action_undo_called_back(self):
        """It was a mistake: somebody has to call back."""
        return self.promise_id.action_reopen()

    # --------------------------------------------------------------- groups of a list

    def init(self):
        """Have groups of time counted by several processes of PostgreSQL."""
        expect_few_groups(self, "start")
        return super().init()

    def _read_group_groupby(self, alias, groupby_spec, query):
        """Group by day and week with less work for each call; see ``LocalDatetime``."""
        groups = bin_of(self, alias, groupby_spec, query)
        return groups or super()._read_group_groupby(alias, groupby_spec, query)

    def _read_group_orderby(self, order, groupby_terms, query):
        """Order groups by a record with less work for each call."""
        as_odoo = super()._read_group_orderby
        if not order:
            return as_odoo(order, groupby_terms, query)
        parts = [
            order_of_groups(self, part, groupby_terms)
            or as_odoo(part, groupby_terms, query)
            for part in order.split(",")
        ]
        return SQL(", ").join(part for part in parts if part)

    @api.model
    def _formatted_read_group_with_length(
        self, domain, groupby, aggregates, offset=0, limit=None, order=None
    ):
        """Group calls by time once, not once more to count the groups."""
        names = [spec.partition(":")[0] for spec in groupby]
        if not limit or names != ["start"] or self.env.context.get("fill_temporal"):
            return super()._formatted_read_group_with_length(
                domain, groupby, aggregates, offset, limit, order
            )
        found = self._read_group(
            domain, groupby, aggregates, order=order or ", ".join(groupby)
        )
        page = found[offset : offset + limit]
        # Beyond the last page Odoo says none, too: the web client begins anew then.
        return (
            self._web_read_group_format(groupby, aggregates, page),
            len(found) if page else 0,
        )

    def _web_read_group_groupby_formatter(self, groupby_spec, values):
        """Show a group of calls by the line's name and number."""
        formatter = super()._web_read_group_groupby_formatter(groupby_spec, values)
        if groupby_spec != "line":
            return formatter
        labels = self.env["pbx.line"]._labels_of(values)

        def with_name(value):
            shown, domain = formatter(value)
            return labels.get(value) or numbers.readable(value) or shown, domain

        return with_name

    # -------------------------------------------------------------------------- figures

    @api.model
    @api.readonly
    def figures(self, domain, group_by=None):
        """Return what became of calls, in figures, under the reader's rights.

        Of the calls of ``domain`` those count that are over, not internal, and not
        blocked. A figure without anything to divide by, or that the reader may not see,
        is ``None``.

        :param domain: of calls.
        :param str group_by: ``hour``, ``day``, ``week``, ``month`` of the start by the
            reader's clock, ``hour_of_day``, ``weekday``, ``line_id``, ``team_id``,
            ``user_id`` (who spoke), ``source_id``, ``campaign_id``, ``provider_id``.
        :return: a dict of figures; grouped: a list of ``{"key", "label", "domain",
            **figures}``, ``domain`` being that of these very calls. Groups without
            calls are left out. Periods, hours and weekdays come in their order (the
            week as in the reader's language), others by their number of calls, what
            has none last.

            ``key``: a day's date, a week's or a month's first one (``2026-06-15``); an
            hour by the reader's clock (``2026-06-15T13:00:00``); 0 to 23 for the hour
            of the day; 0 (Monday) to 6 for a weekday; else an id or ``False``.
        :raises UserError: there is no such group, or there are too many.
        """
        return Figures(self, domain, group_by).read()

    # -------------------------------------------------------------------- click-to-call

    @api.model
    def dial(self, number, res_model=None, res_id=None, line=None, confirmed=False):
        """Ring the user's phone, then ``number``; return the id of the call.

        :param str number: as typed, in any style.
        :param res_model: with ``res_id`` the record it belongs to, of any model; the
            call keeps it. If it has the number, it, or its contact, becomes the call's.
        :param line: id of one of :meth:`dial_lines`, or its number; by default the
            phone's own.
        :param bool confirmed: the user has read that the number is on the phone
            blacklist, and calls nevertheless.
        :raises ConfirmationNeeded: a ``UserError``: it has to be ``confirmed``.
        :raises UserError: what cannot succeed is not asked for; what the PBX refuses is
            in the log with its reason.

        Called again within ten seconds, for the same number by the same user, it
        returns the same id and dials nothing. The call was written in a transaction of
        its own: the caller's own one does not see it.
        """
        dial = Dial(of_all_companies(self).env)
        return dial.run(number, res_model, res_id, line, confirmed)

    def hang_up(self):
        """End a call of one's own, where the PBX can.

        :raises UserError: it cannot, it is not one's own call, or it is over.
        """
        self.ensure_one()
        provider = self.provider_id
        if not self._can_hang_up():
            raise UserError(
                self.env._("This call cannot be ended from here: hang up your phone.")
            )
        # sudo: the keys, for one question
        dialect, account = provider.sudo()._open_api(urgent=True)
        try:
            dialect.hang_up(account, self.ref)
        except errors.PbxError as error:
            raise UserError(provider._explain(error)) from error
        return True

    def _rings_own_phone(self):
        """Tell whether of a click-to-call only the user's own phone rings as yet.

        The PBX reports the other party's leg once the phone was lifted.
        """
        is_own_leg = not self.ref or self.own_leg_only
        return bool(self.state == "ringing" and self.clicked_at and is_own_leg)

    def _can_hang_up(self):
        """Tell whether the user may end this call, and the PBX can."""
        return bool(
            self.state != "done"
            and self.ref
            and self.user_id == self.env.user
            # sudo: what kind of PBX it is, nothing else
            and self.provider_id.sudo()._dialect().can_hang_up
        )

    @api.model
    @api.readonly
    def dial_lines(self):
        """Return the numbers that can be shown to those who are called.

        :return: ``[{"id", "number", "name"}]``, the usual one first; ``id`` is what
            :meth:`dial` takes as ``line``.
        """
        self = of_all_companies(self)
        phones = self._phones()
        lines = self._lines(phones[:1])
        # sudo: what our own lines are called, for those who call through them
        names = {
            line.number: line.name
            for line in self.env["pbx.line"]
            .sudo()
            .search([("provider_id", "in", phones[:1].provider_id.ids)])
        }
        return [
            {
                "id": line.id,
                "number": line.caller_id,
                "name": names.get(line.caller_id) or numbers.readable(line.caller_id),
            }
            for line in lines
        ]

    def _phones(self, company=None):
        """Return the phones of this user, the one to be rung first."""
        if not self.env.user.has_group("cloud_pbx.group_pbx_user"):
            raise AccessError(
                self.env._(
                    "You cannot call from Odoo. Ask an administrator to make you an "
                    "agent of the cloud PBX."
                )
            )
        company = company or self.env.company
        chosen = self.env.user.pbx_dial_extension_id
        phones = self.env["pbx.extension"].search([("user_ids", "in", self.env.uid)])
        return phones.filtered("provider_id.active").sorted(
            lambda phone: (
                not phone.provider_id.is_running,
                phone != chosen,
                phone.company_id != company,
                _RANK[phone.status],
                len(phone.user_ids) > 1,
                phone.number,
            )
        )

    def _lines(self, phone):
        """Return one extension for each number that can be shown, ``phone`` first."""
        if not phone:
            return phone
        others = self.env["pbx.extension"].search(
            [("provider_id", "=", phone.provider_id.id), ("caller_id", "!=", False)],
            order="number",
        )
        others = others.sorted(
            lambda line: (line != phone, self.env.user not in line.user_ids)
        )
        return self.env["pbx.extension"].union(
            *(same[0] for same in others.grouped("caller_id").values())
        )

    # ----------------------------------------------------------------------------- jobs

    @api.model
    def _cron_close(self, limit=2000):
        """Close clicks that nothing followed, and calls whose end never came.

        Each in a transaction of its own: one that cannot be closed costs no other.
        """
        providers = self.env["pbx.provider"].with_context(active_test=False)
        progress = self.env["ir.cron"]._commit_progress
        for provider in providers.search([("company_id", "!=", False)]):
            log = CallLog(self.env, provider._settings(provider.id))
            found = log.find_unended(provider.open_call_hours, limit)
            for done, call_id in enumerate(found, 1):
                log.close(call_id)
                if not progress(1, remaining=len(found) - done):
                    return

    @api.model
    def _cron_make_leads(self):
        """Make the leads of calls that are over; see ``telephony/lead.py``."""
        LeadMaker(self.env).run()

    # -------------------------------------------------------------------- an empty list

    @api.model
    def get_empty_list_help(self, help_message):
        """Say what to do next: another thing to each who may see an empty list."""
        title, text = self._empty_list_words()
        return super().get_empty_list_help(
            Markup('<p class="o_view_nocontent_smiling_face">%s</p><p>%s</p>')
            % (title, text)
        )

    @api.model
    def _empty_list_words(self):
        user = self.env.user
        is_admin = user.has_group("base.group_system")
        # sudo: whether there is one at all is no secret
        providers = (
            self.env["pbx.provider"]
            .sudo()
            .search_count([("company_id", "in", self.env.companies.ids)], limit=1)
        )
        if not providers and is_admin:
            return self.env._("Connect your cloud PBX"), Markup(
                '%s <a href="/odoo/cloud-pbx/new">%s</a>'
            ) % (
                self.env._(
                    "Every call is then logged here, with the right contact. It takes "
                    "two keys and a minute."
                ),
                self.env._("Connect a cloud PBX"),
            )
        if not providers:
            return (
                self.env._("No cloud PBX is connected yet"),
                self.env._("Ask your administrator to connect one."),
            )
        is_supervisor = user.has_group("cloud_pbx.group_pbx_manager")
        if not is_supervisor and not user.pbx_extension_ids:
            return (
                self.env._("Your calls will be here"),
                self.env._(
                    "No internal number is yours yet. Ask your administrator to enter "
                    "it in your user, on the tab “IP telephony”."
                ),
            )
        if is_admin:
            return self.env._("No calls here"), Markup(
                '%s <a href="/odoo/cloud-pbx">%s</a>'
            ) % (
                self.env._(
                    "Call one of your lines: the call is here before you hang up. "
                    "Nothing comes? Open the cloud PBX and press “Check”."
                ),
                self.env._("Cloud PBXs"),
            )
        return (
            self.env._("No calls here"),
            self.env._(
                "The calls that you take or make are logged here automatically."
            ),
        )


def _is_number(text):
    """Tell whether somebody typed a phone number, or a good part of one."""
    digits = numbers.digits(text)
    return len(digits) >= MIN_DIGITS and not any(map(str.isalpha, text))


def _shown_name(operator, value):
    """Return the domain of leads by the name that a call shows of them."""
    first, second, last = (
        Domain(name, operator, value)
        for name in ("contact_name", "partner_name", "name")
    )
    no_first, no_second = (
        Domain(name, "in", (False, "")) for name in ("contact_name", "partner_name")
    )
    return first | (no_first & (second | (no_second & last)))


def _is_my_customer(model, alias, query):
    """Return the SQL condition that contact or lead of a call are this user's."""
    # Scalar subqueries, run for the few calls that wait: with EXISTS or a join the
    # database may choose to read all contacts and leads first.
    return SQL(
        """(COALESCE((SELECT user_id FROM res_partner WHERE id = %(partner_id)s)
                     = %(me)s, FALSE)
            OR COALESCE((SELECT user_id FROM crm_lead WHERE id = %(lead_id)s)
                        = %(me)s, FALSE))""",
        me=model.env.uid,
        **{
            name: SQL.identifier(alias, name, to_flush=model._fields[name])
            for name in ("partner_id", "lead_id")
        },
    )


def _is_new_caller(model, alias, query):
    """Return the SQL condition that a call is the first of its number, and incoming.

    In the whole log, as the figures count it: not only in what the reader sees of it.
    """
    return SQL(
        """(%(direction)s = 'inbound' AND %(number)s != '' AND NOT EXISTS (
            SELECT FROM pbx_call AS earlier
             WHERE earlier.number = %(number)s AND earlier.company_id = %(company_id)s
               AND (earlier.start, earlier.id) < (%(start)s, %(id)s)))""",
        **{
            name: SQL.identifier(alias, name, to_flush=model._fields[name])
            for name in ("direction", "number", "company_id", "start", "id")
        },
    )
