from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL

from ...telephony import numbers

OUTCOMES = [
    ("answered", "Answered"),
    ("missed", "Missed"),
    ("busy", "Busy"),
    ("no_answer", "No answer"),
    ("cancelled", "Cancelled"),
    ("failed", "Failed"),
]
# What the PBX told: nobody corrects that by hand.
TOLD_FIELDS = frozenset(
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
        "participant_ids",
        "extension_id",
        "start",
        "answer",
        "stop",
        "wait_seconds",
        "talk_seconds",
        "leg_ids",
        "recording_ids",
        "facts",
        "last_event_at",
        "own_leg_only",
        "clicked_at",
        "from_history",
        "corrected",
    )
)


class PbxCall(models.Model):
    """One call, however many events and legs it had."""

    _name = "pbx.call"
    _description = "Phone call"
    _inherit = ["mail.thread", "mail.activity.mixin"]
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
    disposition = fields.Char(
        string="In the PBX's words", readonly=True, help="How the PBX says it ended."
    )
    number = fields.Char(
        readonly=True,
        index="trigram",
        help="The outside party's number; of an internal call, who was called.",
    )
    number_readable = fields.Char(
        string="Phone number",
        compute="_compute_number_readable",
        search="_search_number_readable",
    )
    line = fields.Char(
        readonly=True, help="Which of our numbers was called, or was shown."
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
            ("number", "By its number"),
            ("tail", "By the end of its number"),
            ("remembered", "As picked before"),
            ("lead", "Through its lead"),
            ("picked", "Picked by a person"),
            ("several", "Several match"),
            ("none", "Nobody matches"),
        ],
        string="Found",
        readonly=True,
        help="How the contact was found. What a person picked is never changed.",
    )
    candidate_ids = fields.Many2many(
        "res.partner", string="Who it may be", compute="_compute_candidate_ids"
    )
    lead_id = fields.Many2one(
        "crm.lead",
        index="btree_not_null",
        ondelete="set null",
        check_company=True,
    )
    user_id = fields.Many2one(
        "res.users",
        index="btree_not_null",
        help="Who spoke; of an outgoing call, who dialled.",
    )
    user_picked = fields.Boolean(readonly=True)
    can_claim = fields.Boolean(compute="_compute_can_claim")
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
    start = fields.Datetime(required=True, readonly=True)
    answer = fields.Datetime(string="Answered at", readonly=True)
    stop = fields.Datetime(string="Ended at", readonly=True)
    wait_seconds = fields.Integer(
        string="Wait",
        readonly=True,
        aggregator="avg",
        help="Seconds until it was answered, or given up.",
    )
    talk_seconds = fields.Integer(
        string="Talk", readonly=True, help="Seconds of conversation, as the PBX tells."
    )
    leg_ids = fields.One2many("pbx.call.leg", "call_id", string="Legs", readonly=True)
    unknown_extensions = fields.Char(compute="_compute_unknown_extensions")
    recording_ids = fields.One2many(
        "pbx.recording", "call_id", string="Recordings", readonly=True
    )
    note = fields.Text()
    facts = fields.Json(groups=fields.NO_ACCESS, copy=False)
    last_event_at = fields.Datetime(readonly=True)
    own_leg_only = fields.Boolean(
        readonly=True, help="Told so far: only our own part of a click-to-call."
    )

    # One call has one id; a click that waits for its first event has none yet.
    _ref_uniq = models.UniqueIndex("(provider_id, ref) WHERE ref IS NOT NULL")
    _start_idx = models.Index("(company_id, start DESC, id DESC)")
    _provider_start_idx = models.Index("(provider_id, start DESC)")
    _open_idx = models.Index("(provider_id, last_event_at) WHERE state != 'done'")
    _number_idx = models.Index("(number, company_id)")
    _picked_idx = models.Index(
        "(number, company_id, write_date) WHERE partner_source = 'picked'"
    )
    _waiting_tail_idx = models.Index(
        f"((right(number, {numbers.TAIL_DIGITS}))) "
        "WHERE partner_id IS NULL AND number IS NOT NULL"
    )
    _own_leg_idx = models.Index("(provider_id, start) WHERE own_leg_only")
    _line_idx = models.Index("(company_id, line) WHERE direction = 'inbound'")

    # --------------------------------------------------------------- computed

    @api.depends("number")
    def _compute_number_readable(self):
        for call in self:
            call.number_readable = numbers.readable(call.number)

    @api.model
    def _search_number_readable(self, operator, value):
        """Find a number in whatever style it is typed."""
        if operator == "in":
            return Domain.OR(self._search_number_readable("=", text) for text in value)
        if operator not in ("=", "ilike", "like", "=ilike", "=like"):
            return NotImplemented
        if not value:
            return Domain("number", operator, value)
        country = self.env.company.country_id.code
        e164 = numbers.to_e164(value, country)
        domain = Domain("number", "=", e164) if e164 else Domain.FALSE
        plain = numbers.digits(value)
        if value.strip().startswith("00"):
            plain = plain[2:]
        if operator == "=":
            return domain | Domain("number", "in", (plain, f"+{plain}"))
        # A national number is found by its digits behind the leading zero.
        plain = plain.lstrip("0")
        return domain | (Domain("number", "ilike", plain) if plain else Domain.FALSE)

    @api.depends("partner_id", "number", "direction", "start")
    def _compute_display_name(self):
        for call in self:
            who = call.partner_id.sudo().display_name or call.number_readable
            call.display_name = who or self.env._("Withheld number")

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

    # ------------------------------------------------------------------- CRUD

    def write(self, vals):
        if not self.env.su and (told := TOLD_FIELDS.intersection(vals)):
            raise AccessError(
                self.env._(
                    "What the cloud PBX told about a call cannot be changed: %s",
                    ", ".join(sorted(told)),
                )
            )
        if "partner_id" in vals and "partner_source" not in vals:
            # A person's choice, an empty one too: no machine moves it.
            vals = {**vals, "partner_source": "picked"}
        if "user_id" in vals and "user_picked" not in vals:
            self._check_user_choice(vals["user_id"])
            vals = {**vals, "user_picked": bool(vals["user_id"])}
        result = super().write(vals)
        if not self.env.su and {"partner_id", "lead_id"}.intersection(vals):
            # What the machine links is of the right company already.
            self._check_company(["partner_id", "lead_id"])
        self.env["pbx.notifier"]._call_written(self, vals)
        return result

    def unlink(self):
        self.env["pbx.notifier"]._call_removed(self)
        # The database would remove the rows of the recordings, but not their files.
        self.sudo().recording_ids.unlink()  # sudo: who may remove the call may
        return super().unlink()

    def _check_user_choice(self, user_id):
        if self.env.su or self.env.user.has_group("cloud_pbx.group_pbx_manager"):
            return
        if user_id != self.env.uid or not all(call.can_claim for call in self):
            raise AccessError(
                self.env._("Only a supervisor changes whose call it was.")
            )

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
