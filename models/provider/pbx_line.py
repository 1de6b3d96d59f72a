from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL, ormcache

from ...telephony import numbers
from .. import pbx_internal_fields  # noqa: F401  (the model that is inherited comes first)
from ..call.lines import OF_LINE, KnownLine
from ..res_company import LEAD_POLICIES
from ..tools.companies import may_be_named
from ..tools.memory import forget

# What the PBX says of a line: nobody corrects that by hand.
PBX_FIELDS = frozenset(("number", "provider_id", "company_id", "pbx_name", "from_pbx"))


class PbxLine(models.Model):
    """One of our own numbers, under which a cloud PBX is called."""

    _name = "pbx.line"
    _description = "Line"
    _inherit = ["pbx.internal.fields"]
    _order = "provider_id, number"
    _rec_names_search = ["number", "name"]
    _check_company_auto = True

    active = fields.Boolean(default=True)
    number = fields.Char(
        required=True, readonly=True, help="In international form, as the PBX has it."
    )
    number_readable = fields.Char(
        string="Readable number", compute="_compute_number_readable"
    )
    name = fields.Char(help="Your name for this line.")
    pbx_name = fields.Char(
        "Name at the PBX", readonly=True, help="How the PBX calls it."
    )
    provider_id = fields.Many2one(
        "pbx.provider",
        string="Cloud PBX",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="provider_id.company_id", store=True)
    team_id = fields.Many2one(
        "crm.team",
        string="Sales Team",
        check_company=True,
        ondelete="set null",
        help="Who takes the calls to this line.",
    )
    user_id = fields.Many2one(
        "res.users",
        string="Responsible",
        check_company=True,
        ondelete="set null",
        help="Calls back whoever was lost on this line, if nobody else has the caller.",
    )
    calendar_id = fields.Many2one(
        "resource.calendar",
        string="Working Hours",
        check_company=True,
        ondelete="set null",
        help="When this line is open. Empty: the working hours of the company.",
    )
    source_id = fields.Many2one("utm.source", ondelete="set null")
    medium_id = fields.Many2one(
        "utm.medium",
        ondelete="set null",
        default=lambda self: self._default_medium(),
    )
    campaign_id = fields.Many2one("utm.campaign", ondelete="set null")
    lead_policy = fields.Selection(
        [
            ("company", "As the company"),
            *LEAD_POLICIES,
        ],
        string="Leads from calls",
        required=True,
        default="company",
    )
    closed_sound = fields.Char(
        string="Closed message",
        help="The sound that the PBX plays while the line is closed, by its id there.",
    )
    closed_target = fields.Char(
        string="After the message",
        help="Where the PBX sends the call then. Empty: it hangs up.",
    )
    from_pbx = fields.Boolean(
        string="Listed by the PBX",
        readonly=True,
        help="The PBX lists this line; others are known from calls.",
    )
    can_answer_routing = fields.Boolean(
        internal=True, compute="_compute_can_answer_routing"
    )
    call_count = fields.Integer(
        string="Calls",
        compute="_compute_call_count",
        groups="cloud_pbx.group_pbx_user",
        help="Calls to this line, and those that show it to who is called.",
    )

    _number_uniq = models.Constraint(
        "UNIQUE(provider_id, number)", "This cloud PBX has that line already."
    )
    # Each caller is looked for among the own lines, and the former ones.
    _own_idx = models.Index("(company_id, number)")

    @api.constrains("closed_target", "provider_id")
    def _check_closed_target(self):
        for line in self.filtered("closed_target"):
            # sudo: what kind of PBX it is, nothing else
            line.provider_id.sudo()._check_target(line.closed_target)

    @api.model
    def _default_medium(self):
        return self.env.ref("utm.utm_medium_phone", raise_if_not_found=False)

    # ------------------------------------------------------------------ what is shown

    @api.depends("number")
    def _compute_number_readable(self):
        for line in self:
            line.number_readable = numbers.readable(line.number)

    @api.depends("number", "name")
    @api.depends_context("uid")
    def _compute_display_name(self):
        for line in self:
            line.display_name = may_be_named(line) and line._label()

    def _label(self):
        """Return the name and the number of a line; the number alone, without one."""
        readable = numbers.readable(self.number)
        return f"{self.name} ({readable})" if self.name else readable

    @api.model
    def _search_display_name(self, operator, value):
        """Find also by the number in whatever style it is typed, or as it is shown."""
        domain = super()._search_display_name(operator, value)
        by_number = self.env["pbx.call"]._search_number_readable(operator, value)
        if by_number is not NotImplemented and value:
            domain |= by_number
        return domain

    @api.model
    def get_empty_list_help(self, help_message):
        """Say what to do next, with the way there for who may go it."""
        if self.env.user.has_group("base.group_system"):
            help_message = Markup('%s<p><a href="/odoo/cloud-pbx">%s</a></p>') % (
                Markup(help_message or ""),
                self.env._("Cloud PBXs"),
            )
        return super().get_empty_list_help(help_message)

    @api.depends("provider_id.dialect")
    def _compute_can_answer_routing(self):
        for line in self:
            # sudo: what kind of PBX it is, nothing else
            provider_sudo = line.provider_id.sudo()
            line.can_answer_routing = (
                bool(provider_sudo) and provider_sudo._dialect().can_answer_routing
            )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_call_count(self):
        counts = dict(
            self.env["pbx.call"]._read_group(
                [("line_id", "in", self.ids)], ["line_id"], ["__count"]
            )
        )
        for line in self:
            line.call_count = counts.get(line, 0)

    def _names_of(self, calls):
        """Return ``{(provider id, number): name}`` of the lines of these calls."""
        lines = self.search(
            [
                ("provider_id", "in", calls.provider_id.ids),
                ("number", "in", [call.line for call in calls if call.line]),
            ]
        )
        return {(line.provider_id.id, line.number): line.name for line in lines}

    @api.model
    def _labels_of(self, numbers_of_lines):
        """Return ``{number: name and number}`` of those lines that have a name."""
        lines = self.with_context(active_test=False).search(
            [("number", "in", list(filter(None, numbers_of_lines)))]
        )
        return {
            line.number: line._label() for line in lines.sorted("active") if line.name
        }

    # ----------------------------------------------------------------------------- CRUD

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        self._forget_known()
        return lines

    def write(self, vals):
        self._check_may_write(vals)
        result = super().write(vals)
        self._forget_known()
        if vals.get("active") is False:
            self._release_numbers()
        return result

    def _release_numbers(self):
        """Have the earlier calls collected of whoever has these numbers."""
        # sudo: which contacts have a number, for the job that links calls to them
        directory_sudo = self.env["pbx.directory"].sudo()
        for line in self:
            settings = self.env["pbx.provider"]._settings(line.provider_id.id)
            directory_sudo._collect_calls(settings, line.number)

    def unlink(self):
        result = super().unlink()
        self._forget_known()
        return result

    def _check_may_write(self, vals):
        """Refuse what the PBX says, and what only administrators decide."""
        if self.env.su:
            return
        if names := PBX_FIELDS.intersection(vals):
            raise AccessError(
                self.env._(
                    "What the cloud PBX reported about a line cannot be changed: %s",
                    ", ".join(sorted(names)),
                )
            )
        if "active" in vals and not self.env.user.has_group("base.group_system"):
            raise AccessError(
                self.env._("Only an administrator archives or restores a line.")
            )

    # ---------------------------------------------------------------------- from calls

    @api.model
    @ormcache("provider_id")
    def _known(self, provider_id):
        """Return ``{number: KnownLine}`` of a cloud PBX, archived ones as well.

        Without a query when they are known. The numbers are canonical.
        """
        # sudo: for the code that writes the log
        lines_sudo = self.sudo().with_context(active_test=False)
        lines_sudo = lines_sudo.search_fetch(
            [("provider_id", "=", provider_id)],
            ["number", "active", "create_date", "lead_policy", *OF_LINE],
            order="id",
        )
        return {
            numbers.canonical(line.number): line._as_known()
            # Of two spellings of one number the one in use counts.
            for line in lines_sudo.sorted("active")
        }

    def _as_known(self):
        ids = (self[name].id or None for name in OF_LINE)
        return KnownLine(self.id, *ids, self.create_date, self.number, self.lead_policy)

    @api.model
    def _add_called(self, provider_id, company_id, called):
        """Make the lines of ``called`` that are not there; return all of them.

        What it returns this transaction sees: a call can point to it.

        Whoever is second where two first calls meet begins its transaction anew, and
        finds the line of the other.

        :param called: numbers under which we were called, as calls have them.
        :return: ``{number: KnownLine}``, the numbers canonical.
        :raises CONFLICTS: somebody else makes one of them at this moment.
        """
        self.flush_model()
        medium, known = self._default_medium(), self._known(provider_id)
        self.env.cr.execute(
            SQL(
                """WITH made AS (
                       INSERT INTO pbx_line
                              (provider_id, company_id, number, active, lead_policy,
                               medium_id, create_uid, write_uid, create_date,
                               write_date)
                       SELECT %(provider)s, %(company)s, called, TRUE, 'company',
                              %(medium)s, %(uid)s, %(uid)s, %(now)s, %(now)s
                         FROM unnest(%(called)s::varchar[]) called
                           ON CONFLICT (provider_id, number) DO NOTHING
                    RETURNING number, lead_policy, id, medium_id, create_date)
                   SELECT number, lead_policy, id, NULL, NULL, medium_id, NULL,
                          create_date
                     FROM made
                    UNION ALL
                   SELECT number, lead_policy, id, team_id, source_id, medium_id,
                          campaign_id, create_date
                     FROM pbx_line
                    WHERE provider_id = %(provider)s AND number = ANY(%(called)s)""",
                provider=provider_id,
                company=company_id,
                called=sorted(called),
                medium=medium.id if medium else None,
                uid=self.env.uid,
                now=fields.Datetime.now(),
            ),
            log_exceptions=False,  # whoever met somebody tries again
        )
        found = {
            numbers.canonical(number): KnownLine(*values, number, lead_policy)
            for number, lead_policy, *values in self.env.cr.fetchall()
        }
        if found.keys() - known.keys():
            self.invalidate_model()
            self._forget_known()
        return found

    @api.model
    def _forget_known(self):
        """Lines change in this transaction: workers keep them in memory."""
        forget(self.env)

    # ------------------------------------------------------------------- from the PBX

    @api.model
    def _add_listed(self, provider, names):
        """Make lines that the PBX lists, and that are not there.

        :param dict names: the PBX's name by the number; ``""`` for none.
        :raises CONFLICTS: a call makes one of them at this moment; who begins anew
            finds it.
        """
        if not names:
            return
        self._add_called(provider.id, provider.company_id.id, names)
        domain = [("provider_id", "=", provider.id), ("number", "in", list(names))]
        for line in self.with_context(active_test=False).search(domain):
            line._update_from_pbx(names[line.number])

    def _update_from_pbx(self, name):
        """Take the PBX's name of a line over, unless a person renamed it.

        A line that the PBX lists anew is in use again; one that it went on listing
        while a person archived it stays archived.

        :return: whether anything changed that a person sees.
        """
        self.ensure_one()
        values = {}
        if name != (self.pbx_name or ""):
            values["pbx_name"] = name or False
            if (self.name or "") == (self.pbx_name or ""):
                values["name"] = name or False
        if not self.from_pbx and not self.active:
            values["active"] = True
        is_changed = bool(values)
        if not self.from_pbx:
            values["from_pbx"] = True
        if values:
            self.write(values)
        return is_changed

    def _gone_from_pbx(self):
        """The PBX lists these lines no longer: out of use, until it does again."""
        self.write({"active": False, "from_pbx": False})
