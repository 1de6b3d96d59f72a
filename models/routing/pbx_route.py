"""The rules by which a PBX that asks is told where a call goes."""

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import ormcache

from ...telephony import numbers, routing
from . import pbx_target  # noqa: F401  (the model that is inherited comes first)
from .explain import Explanation
from .rulebook import Colleague, Rulebook

CALLERS = [
    ("any", "Everybody"),
    ("known", "Known callers"),
    ("unknown", "Unknown callers"),
    ("withheld", "Callers who withhold their number"),
]
MOMENTS = [
    ("always", "At any time"),
    ("open", "While open"),
    ("closed", "While closed"),
]


class PbxRoute(models.Model):
    """A routing rule: whom a call goes to, and when."""

    _name = "pbx.route"
    _description = "Routing rule"
    _inherit = ["pbx.target"]
    _order = "sequence, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    provider_id = fields.Many2one(
        "pbx.provider",
        string="Cloud PBX",
        check_company=True,
        ondelete="cascade",
        domain=[("can_answer_routing", "=", True)],
        help="Empty: all of the company.",
    )
    line_ids = fields.Many2many(
        "pbx.line",
        "pbx_route_line_rel",
        "route_id",
        "line_id",
        string="Lines",
        check_company=True,
        help="Empty: whichever of our numbers was called.",
    )
    caller = fields.Selection(
        CALLERS,
        string="Who calls",
        required=True,
        default="any",
        help="Known: a contact, a lead, or several of them have the number.",
    )
    category_ids = fields.Many2many(
        "res.partner.category",
        "pbx_route_category_rel",
        "route_id",
        "category_id",
        string="Tags",
        help="The contact, or its company, has one of them.",
    )
    country_ids = fields.Many2many(
        "res.country",
        "pbx_route_country_rel",
        "route_id",
        "country_id",
        string="Countries",
        help="The number is of one of them.",
    )
    moment = fields.Selection(MOMENTS, string="When", required=True, default="always")
    calendar_id = fields.Many2one(
        "resource.calendar",
        string="Working Hours",
        check_company=True,
        ondelete="restrict",
        help="Empty: those of the line, else of the company.",
    )
    sentence = fields.Char(string="Rule", compute="_compute_sentence")

    _company_idx = models.Index("(company_id, sequence, id)")

    @api.depends(
        *("caller", "line_ids", "category_ids", "country_ids", "moment"),
        *("calendar_id", "target", "user_id", "extension_id", "team_id"),
        *("pbx_target", "menu_id", "days", "ring_seconds"),
    )
    @api.depends_context("lang")
    def _compute_sentence(self):
        callers = dict(self._fields["caller"]._description_selection(self.env))
        moments = dict(self._fields["moment"]._description_selection(self.env))
        for route in self:
            words = [callers[route.caller]] if route.caller else []
            for title, records in (
                (self.env._("tagged"), route.category_ids),
                (self.env._("from"), route.country_ids),
                (self.env._("on"), route.line_ids),
            ):
                if records:
                    names = ", ".join(records.mapped("display_name"))
                    words.append(f"{title} {names}")
            if route.moment and route.moment != "always":
                hours = f" ({route.calendar_id.name})" if route.calendar_id else ""
                words.append(f"{moments[route.moment].lower()}{hours}")
            goes_to = route._target_sentence() if route.target else ""
            route.sentence = f"{', '.join(words)} → {goes_to}"

    @api.onchange("menu_id", "extension_id")
    def _onchange_place(self):
        place = self.menu_id if self.target == "menu" else self.extension_id
        if self.target in ("menu", "extension") and place and self.provider_id:
            self.provider_id = place.provider_id

    @api.constrains("provider_id", "line_ids")
    def _check_provider(self):
        self._check_target()
        for route in self.filtered("provider_id"):
            if route.line_ids.provider_id - route.provider_id:
                raise ValidationError(
                    self.env._(
                        "%(rule)s: these lines belong to another cloud PBX.",
                        rule=route.name,
                    )
                )

    # --------------------------------------------------------------- kept in memory

    @api.model
    @ormcache("provider_id")
    def _rulebook(self, provider_id):
        """Return the :class:`Rulebook` of a cloud PBX, mostly without a query."""
        # sudo: what was set up, for the code that answers a PBX
        self = self.sudo().with_context(active_test=True, lang=None)
        provider = self.env["pbx.provider"].browse(provider_id)
        company = provider.company_id
        own = [("company_id", "=", company.id)]
        routes = self.search(self._serving(provider))
        menus = self.env["pbx.menu"].search([("provider_id", "=", provider_id)])
        lines = self.env["pbx.line"].search([("provider_id", "=", provider_id)])
        targets = (routes, menus.choice_ids)
        calendars = company.resource_calendar_id | lines.calendar_id
        calendars |= routes.calendar_id
        teams = lines.team_id.union(*(one.team_id for one in targets))
        providers = self.env["pbx.provider"].with_context(active_test=False)
        return Rulebook(
            rules=tuple(route._plain() for route in routes),
            menus={menu.id: menu._plain() for menu in menus},
            lines={
                number: _plain_line(line)
                for line in lines
                for number in (numbers.canonical(line.number), line.number)
            },
            own_numbers=frozenset(
                number
                for line in self.env["pbx.line"].search(own)
                for number in (line.number, numbers.canonical(line.number))
            ),
            agents=self._agents(company),
            calendar_id=company.resource_calendar_id.id or None,
            calendar_ids=tuple(calendars.ids),
            team_ids=tuple(teams.ids),
            provider_ids=tuple(providers.search(own).ids),
            wrap_up_seconds=company.pbx_wrap_up_seconds,
            blocks_numbers=bool(self.env["pbx.blocked"]._zone_if_any(company.id)),
        )

    def _agents(self, company):
        agents = self.env["res.users"].search(
            [
                ("company_ids", "in", company.ids),
                ("all_group_ids", "in", self.env.ref("cloud_pbx.group_pbx_user").ids),
                ("share", "=", False),
            ]
        )
        return {
            user.id: Colleague(
                user.pbx_deputy_id.id or None, user.pbx_dial_extension_id.id or None
            )
            for user in agents
        }

    def _plain(self):
        """Return it as a :class:`~...telephony.routing.Rule`."""
        # An archived line, or tag, does not make it a rule about all of them.
        self = self.with_context(active_test=False)
        self.ensure_one()
        return routing.Rule(
            id=self.id,
            name=self.name,
            sequence=self.sequence,
            target=self._plain_target(),
            line_ids=frozenset(self.line_ids.ids),
            caller=self.caller,
            category_ids=frozenset(self.category_ids.ids),
            countries=frozenset(self.country_ids.mapped("code")),
            moment=self.moment,
            calendar_id=self.calendar_id.id or None,
        )

    # ------------------------------------------------------------------- what it says

    @api.model
    def _explain(self, outcome):
        """Return the sentence of a decision, in the reader's language.

        :param dict outcome: as ``telephony.routing.Outcome`` writes it.
        :return: ``""`` where there was nothing to decide.
        """
        decided = routing.Outcome.from_json(outcome)
        if decided.code == routing.SCENARIO_CODE and not (
            decided.steps or decided.args
        ):
            return ""
        return Explanation(self.env, decided).sentence()

    @api.model
    def _suggest(self, provider):
        """Make the rules that most begin with, for a cloud PBX without any."""
        others = provider.search_count(
            [
                ("company_id", "=", provider.company_id.id),
                ("can_answer_routing", "=", True),
                ("id", "!=", provider.id),
            ]
        )
        names = (
            (self.env._("Promised a call-back"), "promise"),
            (self.env._("Their salesperson"), "salesperson"),
            (self.env._("Who spoke last"), "last_agent"),
            (self.env._("The line's team"), "team"),
        )
        return self.create(
            [
                {
                    "name": name,
                    "sequence": 10 * place,
                    "company_id": provider.company_id.id,
                    "provider_id": others and provider.id,
                    "target": target,
                    "moment": "open",
                }
                for place, (name, target) in enumerate(names, 1)
            ]
        )

    @api.model
    def _serving(self, provider):
        """Return the domain of the active rules that may serve a cloud PBX."""
        return [
            ("company_id", "=", provider.company_id.id),
            ("provider_id", "in", (False, provider.id)),
        ]

    @api.model
    def get_empty_list_help(self, help_message):
        """Say where the usual rules are to be had."""
        shown = super().get_empty_list_help(help_message)
        providers = self.env["pbx.provider"].search(
            [
                ("company_id", "in", self.env.companies.ids),
                ("can_answer_routing", "=", True),
            ]
        )
        if not shown or not self.env.user.has_group("base.group_system"):
            return shown
        if not providers:
            text = self.env._("No cloud PBX of yours asks Odoo where calls go.")
            return Markup("%s<p>%s</p>") % (Markup(shown), text)
        return Markup(
            '%s<p><a href="/odoo/cloud-pbx/%s" class="btn btn-link">%s</a></p>'
        ) % (
            Markup(shown),
            providers[0].id,
            self.env._("Suggest rules, on the page Try of the cloud PBX"),
        )

    # ------------------------------------------------------- created, changed, removed


def _plain_line(line):
    return routing.Line(
        id=line.id,
        number=line.number,
        name=line.name or "",
        team_id=line.team_id.id or None,
        calendar_id=line.calendar_id.id or None,
        closed_sound=line.closed_sound or "",
        closed_target=line.closed_target or "",
    )
