import ipaddress
import logging
import math
import re
import secrets
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from markupsafe import Markup

from odoo import api, fields, models, tools
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, format_datetime

from odoo.addons.base.models.res_partner import _tz_get

from ...telephony import dialect as dialects
from .. import pbx_internal_fields  # noqa: F401  (the model that is inherited comes first)
from ..api.client import explain, open_api
from ..history.fetch_now import FetchNow
from ..history.replay import Replay
from ..routing.trial import Trial
from ..tools.jobs import for_each_provider
from ..tools.memory import forget
from ..tools.notification import notification
from ..tools.secret_field import Secret, without_blanks
from ..tools.transactions import in_own_transaction
from . import pbx_secrets  # noqa: F401  (the model that is inherited comes first)
from .connect import (
    ESSENTIAL_STEPS,
    REACHING_STEPS,
    Connect,
    Disconnect,
    users_step,
)
from .form import FormByDialect
from .hints import Hints
from .self_test import SelfTest
from .settings import PbxSettings
from .watch import DailyLook, Renewal, SilenceCheck, StatusLook

_logger = logging.getLogger(__name__)

ADMIN = "base.group_system"
# For so long events signed by the former secret are taken.
FORMER_SECRET_HOURS = 24
# Of a secret that Odoo makes: 32 characters.
SECRET_BYTES = 24
# A change of one of these may let events through that a PBX had to keep.
EVENT_ACCESS = frozenset(
    (
        *("active", "user_id", "dialect", "server_url", "login", "api_key"),
        *("api_secret", "external_url", "port", "webhook_token"),
    )
)
# With these the PBX is asked.
ACCESS = frozenset(("api_key", "api_secret", "login", "server_url"))
# A change of one of these may let recordings in that were refused.
RECORDING_ACCESS = frozenset(
    ("api_key", "api_secret", "server_url", "user_id", "active", "dialect")
)

# The least that each may be; by the log, repeated deliveries are recognised.
LEAST_VALUES = {
    "open_call_hours": 1,
    "log_days": 3,
    "general_limit": 1,
    "statistics_limit": 1,
    "silence_minutes": 0,
    "balance_threshold": 0,
    "recording_max_mb": 1,
    "recording_days": 0,
}
# What is pasted from another page, with what nobody sees around it.
PASTED = frozenset(
    ("account", "login", "api_key", "api_secret", "server_url", "external_url")
)
# Optional fields of the dialects that are settings, and not lists.
SETTINGS = frozenset(("account", "login", "api_key", "api_secret", "tz"))


class PbxProvider(models.Model):
    """A company's connection to one cloud PBX."""

    _name = "pbx.provider"
    _description = "Cloud PBX"
    _inherit = [
        "mail.thread",
        "mail.activity.mixin",
        "pbx.secrets",
        "pbx.internal.fields",
    ]
    _order = "sequence, id"
    _check_company_auto = True

    sequence = fields.Integer(default=10, internal=True)
    active = fields.Boolean(default=True)
    code = fields.Char(
        readonly=True,
        copy=False,
        index=True,
        default=lambda self: self.env["ir.sequence"].next_by_code("pbx.provider"),
        help="Number of this record, given by Odoo.",
    )
    name = fields.Char(required=True, help="Your name for this connection.")
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
        help="Calls of this cloud PBX belong to this company alone.",
    )
    dialect = fields.Selection(
        selection="_selection_dialect",
        string="Server type",
        required=True,
        default=lambda self: dialects.available()[0].code,
        help="Which PBX it is. Decides how events are read and checked.",
    )
    user_id = fields.Many2one(
        "res.users",
        string="Run as",
        domain=[("share", "=", False)],
        default=lambda self: self.env.user,
        ondelete="set null",
        help="Events are processed with this user's rights and in this user's name. "
        "Empty or archived: this cloud PBX is inactive and its events are refused.",
    )
    is_running = fields.Boolean(
        string="Running",
        compute="_compute_is_running",
        help="Events are taken: somebody is entered under “Run as”.",
    )
    server_url = fields.Char(
        string="Provider's server address",
        compute="_compute_server_url",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
        groups=ADMIN,
        help="Where Odoo reaches the API of the PBX.",
    )
    external_url = fields.Char(
        string="External address",
        groups=ADMIN,
        help="Under which address the PBX reaches this Odoo, when it is not the one "
        "that your browser uses: https://odoo.example.com or http://203.0.113.5",
    )
    port = fields.Integer(
        groups=ADMIN,
        help="A forwarded port on which the PBX reaches this Odoo, such as 10385. "
        "Odoo does not listen there itself. A port in the address wins.",
    )
    account = fields.Char(
        groups=ADMIN, help="Account, if this server type asks for one."
    )
    login = fields.Char(groups=ADMIN, help="Login, if this server type asks for one.")
    api_key = Secret(
        string="Password (token) in the PBX",
        groups=ADMIN,
        copy=False,
        help="The key of the PBX's API, under the name that the PBX gives it.",
    )
    api_secret = Secret(
        string="Key for the signature",
        groups=ADMIN,
        copy=False,
        help="Signs what is sent in both directions. Whoever changes keys at the PBX "
        "cuts off everything that uses the old ones.",
    )
    webhook_token = Secret(
        groups=ADMIN,
        copy=False,
        readonly=True,
        required=True,
        default=lambda self: secrets.token_urlsafe(24),
    )
    webhook_url = Secret(
        string="Webhook address",
        compute="_compute_webhook_url",
        groups=ADMIN,
        help="Enter this address at the PBX as the place to send events to. It is "
        "secret: who knows it may try to send events.",
    )
    connected_url = Secret(
        string="Address at the PBX",
        groups=ADMIN,
        copy=False,
        readonly=True,
        help="The webhook address that was last known to work.",
    )
    url_changed = fields.Boolean(
        string="Address changed",
        compute="_compute_webhook_url",
        groups=ADMIN,
        internal=True,
    )
    keep_log = fields.Boolean(
        string="Keep a log",
        default=True,
        help="Keep the raw traffic with the PBX, in both directions and without "
        "secrets, for reading. Off: contents are removed once they are applied.",
    )
    log_days = fields.Integer(
        string="Days to keep the log", default=30, help="Older events are removed."
    )
    lookup_on_answer = fields.Boolean(
        string="Look up the caller only when the call is answered",
        help="The caller is not looked up while the phone rings. A call that nobody "
        "answers is looked up when it ends.",
    )
    open_call_hours = fields.Integer(
        string="Close open calls after (hours)",
        default=4,
        help="A call whose end the PBX never reports is closed this long after its "
        "last event.",
    )
    country_id = fields.Many2one(
        "res.country",
        compute="_compute_country_id",
        store=True,
        precompute=True,
        readonly=False,
        help="How national numbers that people typed are read, where neither the "
        "contact nor its company has a country.",
    )
    tz = fields.Selection(
        selection=_tz_get,
        string="Time zone of the account",
        help="The zone set at the PBX: its events have local times without a zone.",
    )
    utc_offset = fields.Char(
        string="Offset reported by the PBX",
        readonly=True,
        copy=False,
        help="Such as UTC+3. Used while no time zone is chosen; it knows no summer "
        "time.",
    )
    former_zone = fields.Char(
        internal=True,
        readonly=True,
        copy=False,
        help="The zone in which times were read before it was changed.",
    )
    old_facts_zone = fields.Char(
        internal=True,
        readonly=True,
        copy=False,
        help="The zone in which times were read that kept no local text.",
    )
    zone_changed = fields.Boolean(
        internal=True,
        readonly=True,
        copy=False,
        help="Earlier calls were read in another time zone than the present one.",
    )
    state = fields.Selection(
        [("draft", "Not connected"), ("connected", "Connected"), ("error", "Error")],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
    )
    last_error = fields.Text("Last error", readonly=True, copy=False, groups=ADMIN)
    balance = fields.Char(readonly=True, copy=False, groups=ADMIN)
    recording_mode = fields.Selection(
        string="Recordings",
        selection=[
            ("store", "Store in Odoo"),
            ("link", "Fetch a link when it is played"),
        ],
        default="store",
        required=True,
        help="Links of the PBX end after a while, and so does its storage: a stored "
        "recording stays.",
    )
    extension_ids = fields.One2many(
        "pbx.extension", "provider_id", string="Internal numbers"
    )
    # --- connecting
    check_ids = fields.One2many(
        "pbx.check", "provider_id", string="Check list", readonly=True, groups=ADMIN
    )
    has_alert = fields.Boolean(
        internal=True,
        compute="_compute_has_alert",
        groups=ADMIN,
        help="There is an error that the check list does not show.",
    )
    connected_at = fields.Datetime(
        string="Connected since",
        readonly=True,
        copy=False,
        help="When the PBX last took the webhook address.",
    )
    former_url_ids = fields.One2many(
        "pbx.former.url", "provider_id", string="Former addresses", groups=ADMIN
    )
    former_url = Secret(
        string="Former address",
        compute="_compute_former_url",
        groups=ADMIN,
        help="Where the PBX sent its events before it was connected to this Odoo. "
        "Enter it there again to give them back.",
    )
    keys_changed = fields.Boolean(
        internal=True,
        readonly=True,
        copy=False,
        groups=ADMIN,
        help="The keys were changed after this cloud PBX was connected.",
    )
    events_changed = fields.Boolean(
        internal=True,
        readonly=True,
        copy=False,
        groups=ADMIN,
        help="Other events were ticked after this cloud PBX was connected.",
    )
    former_secret = Secret(readonly=True, copy=False, groups=ADMIN)
    secret_proven = fields.Boolean(
        groups=fields.NO_ACCESS,
        copy=False,
        help="The PBX answered a request under the present secret.",
    )
    secret_since = fields.Datetime(groups=fields.NO_ACCESS, copy=False)
    disconnected_at = fields.Datetime(
        internal=True, readonly=True, copy=False, groups=ADMIN
    )
    former_secret_until = fields.Datetime(
        readonly=True, copy=False, groups=ADMIN, internal=True
    )
    can_connect = fields.Boolean(
        "Ready to connect",
        compute="_compute_can_connect",
        groups=ADMIN,
        internal=True,
    )
    can_check = fields.Boolean(
        "Ready to check",
        compute="_compute_can_connect",
        groups=ADMIN,
        internal=True,
    )
    can_answer_routing = fields.Boolean(
        internal=True,
        compute="_compute_can_answer_routing",
        search="_search_can_answer_routing",
        help="This server type asks Odoo where calls go.",
    )
    has_routes = fields.Boolean(
        internal=True,
        compute="_compute_has_routes",
        help="There are active rules that decide where its calls go.",
    )
    has_connect = fields.Boolean(
        compute="_compute_can_connect",
        groups=ADMIN,
        internal=True,
        help="This server type is set up by a button.",
    )
    subscription_ids = fields.One2many(
        "pbx.subscription", "provider_id", groups=fields.NO_ACCESS
    )
    subscribed_until = fields.Datetime(
        string="Subscribed until",
        compute="_compute_subscribed_until",
        groups=ADMIN,
        help="The PBX stops then; Odoo renews it in time.",
    )
    subscription_ended = fields.Boolean(
        compute="_compute_subscribed_until",
        groups=ADMIN,
        internal=True,
        help="The PBX stopped at that time.",
    )

    # --- asking the PBX
    general_limit = fields.Integer(
        string="Requests per minute",
        compute="_compute_limits",
        store=True,
        precompute=True,
        readonly=False,
        groups=ADMIN,
        help="How often the PBX may be asked, by all of this Odoo together.",
    )
    statistics_limit = fields.Integer(
        string="Statistics requests per minute",
        compute="_compute_limits",
        store=True,
        precompute=True,
        readonly=False,
        groups=ADMIN,
        help="How often it may be asked for past calls.",
    )
    request_ids = fields.One2many(
        "pbx.request", "provider_id", string="Requests", groups=ADMIN
    )
    last_api_error = fields.Text(
        string="Last error of the API",
        compute="_compute_last_api_error",
        groups=ADMIN,
        help="What the PBX answered last to a request, if that was an error.",
    )
    last_api_error_at = fields.Datetime(
        string="Time of the API's last error",
        compute="_compute_last_api_error",
        groups=ADMIN,
    )
    request_error_count = fields.Integer(
        string="Failed requests",
        compute="_compute_request_error_count",
        groups=ADMIN,
        help="Requests of the last 24 hours that the PBX did not answer properly, and "
        "has not answered since.",
    )
    has_requests = fields.Boolean(
        compute="_compute_request_error_count", groups=ADMIN, internal=True
    )
    refreshed_at = fields.Datetime(
        string="Last daily check",
        readonly=True,
        copy=False,
        help="When the daily look at the PBX was done.",
    )
    silence_minutes = fields.Integer(
        string="Warn after silence of (minutes)",
        default=60,
        groups=ADMIN,
        help="An administrator gets an activity, with the likely cause, when no event "
        "has arrived for this long in working hours although the PBX lists newer "
        "calls. 0: never.",
    )
    balance_amount = fields.Float(
        internal=True,
        string="Balance as a number",
        readonly=True,
        copy=False,
        groups=ADMIN,
        digits=(16, 4),
    )
    balance_threshold = fields.Float(
        string="Warn below",
        default=5.0,
        groups=ADMIN,
        help="In the currency of the account. An administrator gets an activity when "
        "less than this is left. 0: never.",
    )

    # --- what came in
    last_event_at = fields.Datetime(
        string="Last event", compute="_compute_inbox", compute_sudo=True
    )
    waiting_count = fields.Integer(
        string="Waiting events", compute="_compute_inbox", compute_sudo=True
    )
    failed_count = fields.Integer(
        string="Failed events", compute="_compute_inbox", compute_sudo=True
    )
    call_count = fields.Integer(
        string="Number of calls",
        compute="_compute_call_count",
        help="Of the calls that you may see.",
    )
    line_ids = fields.One2many("pbx.line", "provider_id", string="Lines")
    history_ids = fields.One2many(
        "pbx.history", "provider_id", string="Past calls", groups=ADMIN
    )
    history_mark = fields.Datetime(
        string="Past calls read up to",
        compute="_compute_history_mark",
        compute_sudo=True,
        groups=ADMIN,
        help="All calls that began before are in the log.",
    )
    history_error = fields.Text(
        string="Error of past calls",
        compute="_compute_history_mark",
        compute_sudo=True,
        groups=ADMIN,
    )
    recording_max_mb = fields.Integer(
        string="Largest recording (MB)",
        default=100,
        help="A larger file stays at the PBX. An hour has about 30 MB.",
    )
    recording_days = fields.Integer(
        string="Keep recordings for (days)",
        help="After so many days the file is deleted here, and the call says so. The "
        "PBX's own copy is not touched. 0: they are kept for ever.",
    )
    # Not before then is asked for recordings: the PBX does not let us in.
    recordings_paused_until = fields.Datetime(groups=fields.NO_ACCESS, copy=False)
    hint = fields.Text(compute="_compute_hint", groups=ADMIN, internal=True)

    _webhook_token_uniq = models.UniqueIndex("(webhook_token)")

    # ------------------------------------------------------------------------------
    # The dialect, and what follows from its declarations
    # ------------------------------------------------------------------------------

    @api.model
    def _selection_dialect(self):
        return [(dialect.code, dialect.label) for dialect in dialects.available()]

    def _check_target(self, text):
        """Refuse what is no target of any of these PBXs, in the PBX's own words.

        :raises ValidationError: with an example of one.
        """
        spoken = [one._dialect() for one in self] or dialects.available()
        spoken = [dialect for dialect in spoken if dialect.can_answer_routing]
        if any(dialect.is_target(text) for dialect in spoken):
            return
        example = next((one.target_example for one in spoken), "")
        raise ValidationError(
            self.env._(
                "“%(target)s” is no target of the PBX. Enter it as the PBX writes it, "
                "such as %(example)s.",
                target=text,
                example=example,
            )
            if example
            else self.env._("This PBX takes no targets of its own from Odoo.")
        )

    def _dialect(self):
        self.ensure_one()
        return dialects.get(self.dialect)

    @api.depends("dialect")
    def _compute_server_url(self):
        """Offer the dialect's own server, unless another one was entered."""
        offered = {dialect.default_server for dialect in dialects.available()}
        for provider in self:
            address = provider.server_url
            if not address or address in offered:
                dialect = dialects.get(provider.dialect)
                provider.server_url = dialect.default_server if dialect else address

    @api.depends("company_id")
    def _compute_country_id(self):
        """Offer the country of the company."""
        for provider in self:
            country = provider.company_id.country_id
            provider.country_id = country or provider.country_id

    @api.depends("dialect")
    def _compute_limits(self):
        """Offer the dialect's own limits, unless others were entered."""
        names = (
            ("general_limit", dialects.GENERAL),
            ("statistics_limit", dialects.STATISTICS),
        )
        available = dialects.available()
        for provider in self:
            dialect = dialects.get(provider.dialect)
            for name, bucket in names:
                offered = {0, *(one.limits[bucket] for one in available)}
                if dialect and provider[name] in offered:
                    provider[name] = dialect.limits[bucket]

    @api.depends(
        "dialect", *(name for name in dialects.OPTIONAL_FIELDS if name in SETTINGS)
    )
    def _compute_can_connect(self):
        for provider in self:
            dialect = dialects.get(provider.dialect)
            ready = bool(dialect) and not provider._missing_fields()
            provider.has_connect = bool(dialect and dialect.connect_steps)
            provider.can_connect = ready and provider.has_connect
            provider.can_check = ready and dialect.has_sample

    @api.depends("dialect")
    def _compute_can_answer_routing(self):
        for provider in self:
            dialect = dialects.get(provider.dialect)
            provider.can_answer_routing = bool(dialect and dialect.can_answer_routing)

    def _compute_has_routes(self):
        # sudo: whether there are any, for whoever sees the cloud PBX
        routes_sudo = self.env["pbx.route"].sudo()
        for provider in self:
            found = routes_sudo.search_count(routes_sudo._serving(provider), limit=1)
            provider.has_routes = bool(found)

    @api.model
    def _search_can_answer_routing(self, operator, value):
        if operator != "in":
            return NotImplemented
        codes = [one.code for one in dialects.available() if one.can_answer_routing]
        wanted = fields.Domain("dialect", "in", codes)
        if set(value) == {True, False}:
            return fields.Domain.TRUE
        return wanted if True in value else ~wanted

    def action_suggest_routes(self):
        """Make the rules that most begin with, if there are none, and open the list."""
        self.ensure_one()
        self.check_access("write")
        self._check_asks_routing()
        if not self.has_routes:
            self.env["pbx.route"]._suggest(self)
        action = self.env["ir.actions.act_window"]
        return action._for_xml_id("cloud_pbx.pbx_route_action")

    def simulate(self, number, line=None, at=None):
        """Return what the PBX would be told about a call, and why. Writes nothing.

        :param str number: as typed, ``""`` if withheld.
        :param str line: the number of one of its lines; by default the first one.
        :param str at: UTC; by default now. Phones are as they are now.
        :return: see :meth:`~..routing.trial.Trial.run`.
        """
        self.ensure_one()
        self.check_access("read")
        # Rules say who works where, and when: that is not for everybody.
        self.env["pbx.route"].check_access("read")
        self._check_asks_routing()
        return Trial(self).run(number, line, at)

    def _check_asks_routing(self):
        if not self.can_answer_routing:
            raise UserError(self.env._("This PBX does not ask Odoo where calls go."))

    def _setup_files(self):
        """Return ``{file name: text}`` of what is to be installed at the PBX.

        For administrators: the texts may hold secrets.
        """
        return {}

    def _events_proven(self):
        """Follow the step ``events`` of Connect, once it was done."""

    def _missing_fields(self):
        """Return the labels of what the PBX needs and nobody has entered yet."""
        self.ensure_one()
        # sudo: that something is missing is no secret
        values = self.sudo()
        return [
            self._label_of(name) for name in self._dialect().needs if not values[name]
        ]

    def _wrong_settings(self):
        """Return what is wrong with the settings at a glance, or ``""``."""
        # sudo: what is wrong names no secret
        return self.env._(self._dialect().doubt_settings(self.sudo()._account()))

    def _label_of(self, name):
        """Return what a field is called for this PBX, in the reader's language."""
        declared = self._dialect().form.get(name)
        if declared and declared.label:
            return self.env._(declared.label)
        return self._fields[name]._description_string(self.env)

    def _check_complete(self):
        """Refuse what cannot succeed yet."""
        missing = self._missing_fields()
        if missing:
            raise UserError(self._missing_sentence(missing))

    def _missing_sentence(self, missing):
        return self.env._("Enter this first: %s", ", ".join(missing))

    @api.model
    def _get_view(self, view_id=None, view_type="form", **options):
        arch, view = super()._get_view(view_id, view_type, **options)
        if view_type == "form":
            FormByDialect(self.env, arch).run()
        return arch, view

    # ------------------------------------------------------------------------------
    # Settings in memory, for the webhook
    # ------------------------------------------------------------------------------

    def _zone(self):
        """Return the zone in which the PBX writes its times; not known: UTC."""
        return self._account_zones()["zone"]

    def _zones(self):
        """Return the zones in which the PBX may write its times, the likeliest first.

        The chosen one, what the PBX says of its clock, and what was valid before.
        """
        names = (self.tz, self.utc_offset, self.former_zone)
        return tuple(filter(None, map(self._zone_named, dict.fromkeys(names))))

    def _zone_named(self, name):
        """Return the zone of a name or an offset; ``None`` for what cannot be read."""
        if not name:
            return None
        try:
            return dialects.fixed_zone(name)
        except ValueError:  # no offset
            try:
                return ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError):
                _logger.warning("Cloud PBX %s: no time zone %r", self.id, name)
                return None

    def _zone_name(self):
        """Return the name of the zone in which times are read, ``""`` for none."""
        names = (self.tz, self.utc_offset)
        return next((name for name in names if self._zone_named(name)), "")

    def _note_zone(self, before):
        """Note that times are read in another zone than in ``before``, a name."""
        if self._zone_name() == before:
            return
        values = {"former_zone": before or self.former_zone}
        # sudo: whether there are any calls, whoever may read them
        calls_sudo = self.env["pbx.call"].sudo()
        if calls_sudo.search_count([("provider_id", "=", self.id)], limit=1):
            values["zone_changed"] = True
        self.write(values)

    def action_apply_zone(self):
        """Read the times of earlier calls anew, in the present zone.

        :return: a notification that says what was done, or that it goes on.
        """
        self.ensure_one()
        self.check_access("write")
        self.zone_changed = False
        values = {"provider_id": self.id, "kind": "zone"}
        return self.env["pbx.backfill"]._begin(values)

    def action_keep_times(self):
        """Earlier calls keep the times that they have."""
        self.check_access("write")
        self.zone_changed = False
        return True

    def _account_zones(self):
        zones = self._zones()
        # What was valid before is no zone that is known now.
        known = any(map(self._zone_named, (self.tz, self.utc_offset)))
        return {
            "zone": zones[0] if known else dialects.fixed_zone(""),
            "zone_known": known,
            "other_zones": zones[1:] if known else zones,
        }

    def _account(self):
        """Return what the dialect may know of this account. Holds secrets."""
        self.ensure_one()
        # sudo: kept from everybody but the code, which passes it on
        subscription_sudo = self.sudo().subscription_ids
        return dialects.Account(
            key=self.api_key or "",
            secret=self.api_secret or "",
            former_secret=self.former_secret or "",
            server_url=self.server_url or "",
            webhook_url=self.webhook_url or "",
            login=self.login or "",
            account=self.account or "",
            country=(self.country_id or self.company_id.country_id).code or "",
            **self._account_zones(),
            options={name: self[name] for name in self._dialect().options},
            memory=subscription_sudo.details or {},
            expecting_until=subscription_sudo.expecting_until or None,
            extensions=self._extension_names(),
        )

    def _extension_names(self):
        """Return the names that events may call extensions by, ``{name: number}``.

        Nothing, where the PBX calls them by one name.
        """
        numbers = {}
        if not self._dialect().names_extensions or not self._origin.id:
            return numbers
        # sudo: for the code that reads events, whoever has it read
        extensions_sudo = self.env["pbx.extension"].sudo()
        extensions_sudo = extensions_sudo.search(
            [("provider_id", "=", self._origin.id)], order="id"
        )
        for extension in extensions_sudo:
            for name in extension._names():
                numbers.setdefault(name, extension.number)
        # What is somebody's number is nobody else's name.
        numbers.update((one.number, one.number) for one in extensions_sudo)
        return numbers

    def _forget_extension_names(self):
        """Workers keep in memory what events may call extensions by."""
        # sudo: which PBX it is, nothing else
        if any(one._dialect().names_extensions for one in self.sudo()):
            forget(self.env)

    @api.model
    @tools.ormcache("token")
    def _id_by_token(self, token):
        """Return the id of the provider that ``token`` names.

        :raises LookupError: no such token; unknown tokens are not remembered.
        """
        if not token or "\0" in token:  # PostgreSQL has no NUL in a text
            raise LookupError("no token")
        # sudo: the token is the proof of whom this is about; nothing leaves here.
        provider_sudo = (
            self.sudo()
            .with_context(active_test=False)
            .search([("webhook_token", "=", token)], limit=1)
        )
        if not provider_sudo:
            raise LookupError("unknown token")
        return provider_sudo.id

    @api.model
    @tools.ormcache("provider_id")
    def _settings(self, provider_id):
        """Return the :class:`PbxSettings`, without a query when they are known."""
        # sudo: secrets for the code that checks signatures; nobody is shown them.
        return PbxSettings(self.sudo().browse(provider_id))

    # ------------------------------------------------------------------------------
    # Is it running, and at which address
    # ------------------------------------------------------------------------------

    @api.depends("user_id.active", "user_id.share", "active")
    def _compute_is_running(self):
        for provider in self:
            user_sudo = provider.user_id.sudo()  # its state is no secret
            provider.is_running = (
                provider.active and user_sudo.active and not user_sudo.share
            )

    @api.depends("external_url", "port", "webhook_token", "dialect", "connected_url")
    def _compute_webhook_url(self):
        own = self.env["ir.config_parameter"].sudo().get_param("web.base.url") or ""
        for provider in self:
            try:
                base = provider._public_address((provider.external_url or own).strip())
            except ValueError:
                base = ""  # still being typed; saving says what is wrong with it
            token = provider.webhook_token
            provider.webhook_url = (
                f"{base}/pbx/{provider.dialect}/{token}" if base and token else False
            )
            provider.url_changed = bool(
                provider.connected_url
                and provider.connected_url != provider.webhook_url
            )

    def _asked_by_jobs(self):
        """Return those that jobs may ask something: running, and connected.

        What a person presses asks the others, too.
        """
        return self.filtered(lambda one: one.is_running and one.state != "draft")

    def _public_address(self, address):
        """Return ``address`` with a scheme, the forwarded port, and no final slash."""
        if address and "://" not in address:
            address = f"http://{address}"
        parts = urlsplit(address)
        netloc = parts.netloc
        if self.port and parts.port is None:
            netloc = f"{netloc}:{self.port}"
        return urlunsplit((parts.scheme, netloc, parts.path.rstrip("/"), "", ""))

    def _is_own_address(self, address):
        """Tell whether an address at the PBX leads, or led, to this cloud PBX."""
        theirs, own = urlsplit(address), urlsplit(self.webhook_url)
        same_place = (
            theirs.hostname == own.hostname
            and theirs.path.rpartition("/")[0] == (own.path.rpartition("/")[0])
        )
        return same_place or address in (self.connected_url, self.webhook_url)

    @staticmethod
    def _is_inside(address):
        """Tell whether ``address`` cannot be reached from the internet."""
        host = urlsplit(address or "").hostname or ""
        try:
            return not ipaddress.ip_address(host).is_global
        except ValueError:
            return host == "localhost" or host.endswith((".local", ".lan", ".internal"))

    # ------------------------------------------------------------------------------
    # Created, changed, removed
    # ------------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        providers = super().create([_trimmed(vals) for vals in vals_list])
        providers._make_secrets()
        forget(self.env)
        return providers

    def copy_data(self, default=None):
        named = "name" in (default or {})
        return [
            vals if named else {**vals, "name": self.env._("%s (copy)", provider.name)}
            for provider, vals in zip(self, super().copy_data(default), strict=True)
        ]

    def write(self, vals):
        if "company_id" in vals:
            self._check_company_stays(vals["company_id"])
        vals = _trimmed(vals)
        watched = self._watched_settings(vals)
        before = {
            provider: {name: provider[name] for name in watched} for provider in self
        }
        was_running = {provider: provider.is_running for provider in self}
        zones = {provider: provider._zone_name() for provider in self}
        result = super().write(vals)
        self._make_secrets()
        # Workers keep settings in memory.
        forget(self.env)
        for provider, values in before.items():
            provider._note_changes(values)
        if "keep_log" in vals and not vals["keep_log"]:
            self.env["pbx.event"]._blank_settled(self)
            self.env["pbx.request"]._blank(self)
        if {"tz", "utc_offset"}.intersection(vals):
            for provider, zone in zones.items():
                provider._note_zone(zone)
        if RECORDING_ACCESS.intersection(vals):
            self._resume_recordings()
        self.filtered(
            lambda one: {*EVENT_ACCESS, *one._dialect().options}.intersection(vals)
        )._history_wanted()
        if {"active", "user_id"}.intersection(vals):
            # Open pages get or lose the phones of a PBX that is switched on or off.
            switched = self.filtered(lambda one: one.is_running != was_running[one])
            self.env["pbx.notifier"]._phones_changed(switched._phone_users())
            switched.filtered(lambda one: not one.is_running)._end_subscription()
        return result

    def _make_secrets(self):  # pylint: disable=missing-return
        """Make the secret where it is Odoo's to choose, and none was entered."""
        # sudo: that there is none, and to enter one, for whoever may save the rest
        for provider_sudo in self.sudo():
            if provider_sudo._dialect().makes_secret and not provider_sudo.api_secret:
                made = secrets.token_urlsafe(SECRET_BYTES)
                # Not by write(): nothing was changed that a PBX knew.
                # pylint: disable-next=super-method-mismatch
                super(PbxProvider, provider_sudo).write({"api_secret": made})

    def _check_company_stays(self, company_id):
        """Refuse another company once there are calls: they would stay behind."""
        for provider in self.filtered(lambda one: one.company_id.id != company_id):
            # sudo: whether there is one at all, whoever may read it
            calls_sudo = self.env["pbx.call"].sudo()
            if calls_sudo.search_count([("provider_id", "=", provider.id)], limit=1):
                raise UserError(
                    self.env._(
                        "%(pbx)s has calls, and they belong to %(company)s. Archive "
                        "it, and enter the connection anew for the other company.",
                        pbx=provider.display_name,
                        company=provider.company_id.display_name,
                    )
                )

    def unlink(self):
        users = self._phone_users()
        # What may not be deleted keeps its subscription.
        self._unlink_except_with_calls()
        self._end_subscription()
        result = super().unlink()
        forget(self.env)
        self.env["pbx.notifier"]._phones_changed(users)
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_with_calls(self):
        # sudo: that there are calls is said to whoever may delete the PBX
        with_calls = self.sudo().filtered("call_count")
        if with_calls:
            raise UserError(
                self.env._(
                    "%s has calls. Archive it instead.",
                    ", ".join(with_calls.mapped("name")),
                )
            )

    def _write_changes(self, values):
        """Write what differs: each write of this row clears the memory of all workers.

        :return: whether anything did.
        """
        changed = {name: new for name, new in values.items() if self[name] != new}
        if changed:
            self.write(changed)
        return bool(changed)

    def _watched_settings(self, vals):
        """Return which of the settings to be written the PBX has to learn of."""
        return {
            name
            for name in vals
            if name in ACCESS
            or any(provider._decides_events(name) for provider in self)
        }

    def _decides_events(self, name):
        """Tell whether this setting decides which events the PBX sends."""
        return name.startswith("notify_")

    def _note_changes(self, before):
        """Note what was changed since the PBX was connected, which it does not know.

        :param dict before: the watched settings as they were.
        """
        changed = {name for name in before if self[name] != before[name]}
        values = {}
        if keys := changed & {"api_key", "api_secret"}:
            labels = [self._label_of(name) for name in sorted(keys)]
            self._post_note(self.env._("Changed: %s", ", ".join(labels)))
            if self.connected_url:
                values["keys_changed"] = True
        if self.connected_url and any(map(self._decides_events, changed)):
            values["events_changed"] = True
        if changed & ACCESS and self._dialect().subscribes:
            self.env["pbx.subscription"].sudo()._try_soon(self)  # sudo: the job's own
        # sudo: the code's own note; that the secret was changed, one was allowed to
        own_sudo = self.sudo()
        if "api_secret" in changed and own_sudo._is_secret_proven():
            # What it signed is still on its way. One that never worked signed nothing,
            # and does not take the place of one that did.
            values["former_secret"] = before["api_secret"]
            until = fields.Datetime.now() + timedelta(hours=FORMER_SECRET_HOURS)
            values["former_secret_until"] = until
        if "api_secret" in changed:
            values["secret_proven"] = False
            # To the microsecond, as events are received.
            values["secret_since"] = datetime.now(UTC).replace(tzinfo=None)
        if values:
            own_sudo.write(values)

    def _access(self):
        """Return with what this PBX is asked."""
        return self.read(sorted(ACCESS))

    def _access_now(self):
        """The same, as it is stored at this moment."""
        return in_own_transaction(self.env, lambda env: self.with_env(env)._access())

    def _is_secret_proven(self):
        """Tell whether the present secret ever worked: in a question, or for an event.

        Looked up when it is changed: no event writes this row.
        """
        return self.secret_proven or self._has_events(self.secret_since)

    def _has_events(self, since):
        """Tell whether the PBX sent an event under the present secret."""
        self.env["pbx.event"].flush_model()
        # A domain would cut the time to the second.
        return bool(
            self.env.execute_query(
                SQL(
                    """SELECT 1 FROM pbx_event
                        WHERE provider_id = %s AND received_at >= %s
                          AND by_former_secret IS NOT TRUE
                          -- Odoo's own proves nothing, under whatever secret.
                          AND event_type != %s LIMIT 1""",
                    self.id,
                    since or datetime.min,
                    self._dialect().sample_event,
                )
            )
        )

    def _notice_connected(self):
        """A PBX that sends events has our address, also when it was entered by hand.

        For jobs: it commits.
        After “Disconnect” a person says when it is connected again.
        """
        for provider in self:
            by_hand = provider.state == "draft" and not provider.disconnected_at
            if by_hand and provider._has_events(provider.secret_since):
                provider.write(
                    {
                        "state": "connected",
                        "connected_at": fields.Datetime.now(),
                        "connected_url": provider.webhook_url,
                    }
                )
                # What jobs do goes on in transactions of their own.
                self.env["ir.cron"]._commit_progress()

    def _resume_recordings(self):
        """Have recordings asked for again that the PBX did not let us have."""
        # sudo: nobody reads or writes it but the code
        paused_sudo = self.sudo().filtered("recordings_paused_until")
        if paused_sudo:
            paused_sudo.recordings_paused_until = False
        self.env["pbx.recording"]._wake_fetching([fields.Datetime.now()])

    def _phone_users(self):
        """Return the users who have a phone there."""
        phones = self.env["pbx.extension"].search([("provider_id", "in", self.ids)])
        return phones.user_ids

    def _end_subscription(self):
        """These do not take events any more: have the PBXs send none.

        The job does it where this one cannot.
        """
        for provider in self:
            # sudo: whether there is one; the right to switch it off was asked for
            provider_sudo = provider.sudo()
            if not provider_sudo.subscription_ids.filtered("details"):
                continue
            if not provider._dialect().subscribes:
                continue
            sentence = Disconnect(provider_sudo).end_subscription()
            if not sentence:
                provider._wake("ir_cron_keep_alive")
                continue
            provider_sudo._post_note(sentence)
            message = f"{provider.name}: {sentence}"
            self.env["pbx.notifier"]._subscription_ended(self.env.user, message)

    def _forget_former_secret(self):
        until = self.former_secret_until
        if until and until <= fields.Datetime.now():
            self.write({"former_secret": False, "former_secret_until": False})

    # ------------------------------------------------------------------------------
    # Constraints
    # ------------------------------------------------------------------------------

    @api.constrains("user_id")
    def _check_user(self):
        for provider in self:
            if provider.user_id.share:
                raise ValidationError(
                    self.env._("“Run as” has to be an internal user, not a guest.")
                )

    @api.constrains("tz")
    def _check_tz(self):
        for provider in self.filtered("tz"):
            try:
                ZoneInfo(provider.tz)
            except ZoneInfoNotFoundError as error:
                raise ValidationError(
                    self.env._(
                        "This server has no data about the time zone %s. Choose its "
                        "present name, such as Europe/Kyiv, or install the package "
                        "tzdata.",
                        provider.tz,
                    )
                ) from error

    @api.constrains("port")
    def _check_port(self):
        for provider in self:
            if not 0 <= provider.port <= 65535:
                raise ValidationError(self.env._("Enter a port from 1 to 65535."))

    @api.constrains("external_url", "server_url")
    def _check_addresses(self):
        for provider in self:
            for name, example in (
                ("external_url", "https://odoo.example.com"),
                ("server_url", provider._dialect().default_server),
            ):
                address = provider[name]
                if address and not provider._is_address(address.strip()):
                    raise ValidationError(
                        self.env._(
                            "%(field)s: “%(address)s” is not a plain web address. "
                            "Enter it like %(example)s",
                            field=provider._label_of(name),
                            address=address,
                            example=example or "https://pbx.example.com",
                        )
                    )

    def _is_address(self, address):
        """Tell whether ``address`` names a server, and perhaps a folder there."""
        try:
            parts = urlsplit(self._public_address(address))
            # A port that is none is noticed only when it is asked for.
            valid = parts.scheme in ("http", "https") and parts.port != 0
        except ValueError:
            return False
        return bool(
            valid
            and parts.hostname
            and "@" not in parts.netloc
            # What follows these would end up in the middle of what is asked for.
            and not re.search(r"[\s?#\\]", address)
        )

    @api.constrains(*LEAST_VALUES)
    def _check_least_values(self):
        for provider in self:
            for name, least in LEAST_VALUES.items():
                if provider[name] < least:
                    raise ValidationError(
                        self.env._(
                            "%(field)s: enter %(least)s or more.",
                            field=provider._label_of(name),
                            least=least,
                        )
                    )

    # ------------------------------------------------------------------------------
    # Connect, Check, Disconnect
    # ------------------------------------------------------------------------------

    @api.depends("former_url_ids.url")
    def _compute_former_url(self):
        for provider in self:
            provider.former_url = provider.former_url_ids[:1].url

    @api.depends("last_error", "check_ids.state")
    def _compute_has_alert(self):
        for provider in self:
            shown = "failed" in provider.check_ids.mapped("state")
            provider.has_alert = bool(provider.last_error) and not shown

    def action_connect(self):
        """Set the PBX up, take over what it has, and say what came of each step."""
        self.ensure_one()
        self.check_access("write")
        if not self.active:
            # Its events would be refused.
            self._check_running()
        # sudo: the list and the lines are ours to write; the right to was asked for.
        result = Connect(self.sudo(), urgent=True).run_for_a_person()
        self._post_note(result["params"]["message"])
        return result

    def action_check(self):
        """Post a test event to the own address, as the PBX would; say what came of it.

        :return: a notification.
        """
        self.ensure_one()
        self.check_access("write")
        self._check_running()
        self._check_complete()
        was_entered = self.connected_at and not self.url_changed
        problem = SelfTest(self).run()
        if problem:
            self.write({"state": "error", "last_error": problem})
            return notification(problem, "danger", sticky=True)
        values = {"last_error": False}
        # Where a step of Connect has the PBX itself send an event, ours proves less.
        proves_more = "events" in self._dialect().connect_steps
        # After “Disconnect” the PBX sends nothing here, however well it would arrive.
        is_disconnected = self.disconnected_at and not self.connected_at
        if not (proves_more or is_disconnected):
            values |= {"state": "connected", "connected_url": self.webhook_url}
        self.write(values)
        # sudo: the list is ours to write; the right to write the record was asked for.
        own_sudo = self.sudo()
        if any(one.step == "keys" and one.state == "failed" for one in self.check_ids):
            # Perhaps they were corrected since. What else is wrong stays so.
            Connect(own_sudo, urgent=True).try_keys_again()
        own_sudo._update_state()
        arrived = self.env._(
            "The test event arrived, its signature was right, and it is in the inbox."
        )
        if proves_more:
            rest = self.env._("What is left is the PBX's side: press “Connect”.")
        elif was_entered:
            rest = self.env._("Connect has entered this address at the PBX.")
        else:
            rest = self.env._(
                "What is left is the PBX's side: press “Connect”, or enter the webhook "
                "address there."
            )
        return notification(f"{arrived} {rest}", "success")

    def action_disconnect(self):
        """Make the PBX forget our address; give the one from before back, if any."""
        self.ensure_one()
        self.check_access("write")
        # sudo: the right to was asked for; the rows are ours
        sentence = Disconnect(self.sudo()).run()
        self._post_note(sentence)
        return notification(sentence)

    def action_rotate_token(self):
        """Give the webhook a new address; the old one is dead at once."""
        self.ensure_one()
        # The right to write the record is asked for before the secret is made.
        self.check_access("write")
        self.webhook_token = secrets.token_urlsafe(24)
        sentence = self.env._("The webhook has a new address: press “Connect”.")
        self._post_note(sentence)
        return notification(sentence, "warning")

    def _readable_time(self, moment):
        """Return naive UTC as the user reads it, with the zone where that is UTC."""
        zone = self.env.user.tz
        text = format_datetime(self.env, moment, tz=zone or "UTC", dt_format="short")
        return text if zone else f"{text} (UTC)"

    def _post_note(self, text):
        """Leave a trace of what was done in the chatter; ``text`` holds no secret."""
        self.message_post(body=text, subtype_xmlid="mail.mt_note")

    def _update_users_step(self):
        """Let the last line of the check list follow who has a phone."""
        for provider in self.sudo():  # sudo: the list is ours to write
            if "users" in provider.check_ids.mapped("step"):
                provider.check_ids._write_results(
                    provider, {"users": users_step(provider)}
                )

    def _update_state(self):
        """Let the state of the connection follow from the steps that it needs."""
        checks = {check.step: check for check in self.check_ids}
        essential = [checks[step] for step in ESSENTIAL_STEPS if step in checks]
        failed = [check for check in essential if check.state == "failed"]
        if failed:
            reasons = "\n".join(f"{one._label()}: {one.message}" for one in failed)
            self._write_changes({"state": "error", "last_error": reasons})
        elif "waiting" not in {check.state for check in essential}:
            # Steps that were not tried say nothing: what was known before counts.
            reached = any(
                checks[step].state in ("ok", "warning")
                for step in REACHING_STEPS
                if step in checks
            )
            state = "connected" if reached or self.connected_url else "draft"
            self._write_changes({"state": state, "last_error": False})
        elif self.state == "error":
            # What failed before may be right by now: what is waited for is not.
            waiting = [check for check in essential if check.state == "waiting"]
            reasons = "\n".join(f"{one._label()}: {one.message}" for one in waiting)
            self._write_changes({"last_error": reasons})

    @api.depends("subscription_ids.until")
    def _compute_subscribed_until(self):
        for provider in self:
            # sudo: when it ends is no secret, unlike what it consists of
            until = provider.sudo().subscription_ids.until
            provider.subscribed_until = until
            provider.subscription_ended = until and until <= fields.Datetime.now()

    def _keys_are_good(self):
        """The PBX took the present keys: what happened in between is fetched."""
        self._write_changes({"secret_proven": True})
        self._forget_reminder("keys")
        if not self.keys_changed:
            return
        self.keys_changed = False
        if self.history_mark:  # else the job begins by itself
            self._history_wanted()

    # ------------------------------------------------------------------------------
    # Asking the PBX
    # ------------------------------------------------------------------------------

    def _open_api(self, urgent=False):
        """Return ``(dialect, account)`` to ask this PBX with; see :func:`open_api`."""
        self.ensure_one()
        return open_api(self, urgent)

    def _explain(self, error):
        """Return what happened, and what to do, for a failed question to the PBX."""
        self.ensure_one()
        return explain(self.env, self._dialect(), error)

    def _compute_last_api_error(self):
        failed = self._failing_requests()
        for provider in self:
            last = failed.get(provider._origin.id, self.env["pbx.request"])[:1]
            provider.last_api_error = last.error
            provider.last_api_error_at = last.at

    def _compute_request_error_count(self):
        requests, failed = self.env["pbx.request"], self._failing_requests()
        for provider in self:
            asked = [("provider_id", "=", provider._origin.id)]
            provider.has_requests = bool(requests.search_count(asked, limit=1))
            provider.request_error_count = len(failed.get(provider._origin.id, ()))

    def _failing_requests(self):
        """Return what the PBX was asked in a day, and has not answered since.

        :return: ``{provider_id: pbx.request}``, newest first.
        """
        requests = self.env["pbx.request"]
        requests.flush_model()
        ids = requests.browse(
            one
            for [one] in self.env.execute_query(
                SQL(
                    """SELECT failed.id FROM pbx_request failed
                        WHERE failed.provider_id = ANY(%(providers)s)
                          AND failed.at >= %(since)s
                          -- a recording that is not ready yet is no trouble
                          AND failed.error_code IS NOT NULL
                          AND failed.error_code != 'not_found'
                          AND NOT EXISTS (
                              SELECT 1 FROM pbx_request later
                               WHERE later.provider_id = failed.provider_id
                                 AND later.path = failed.path
                                 AND later.error_code IS NULL
                                 AND (later.at, later.id) > (failed.at, failed.id))
                     ORDER BY failed.at DESC, failed.id DESC""",
                    providers=list(self._origin.ids),
                    since=fields.Datetime.now() - timedelta(hours=24),
                )
            )
        )
        return {one.id: rows for one, rows in ids.grouped("provider_id").items()}

    # ------------------------------------------------------------------------------
    # Jobs: the daily look, renewals, silence
    # ------------------------------------------------------------------------------

    @api.model
    def _cron_refresh(self):
        """Look at each connected PBX once a day, and go on where a limit stopped us."""
        # sudo: the job serves all companies.
        providers = self.sudo().search(
            [
                ("company_id", "!=", False),
                "|",
                ("state", "!=", "draft"),
                ("check_ids.state", "=", "waiting"),
            ]
        )
        for_each_provider(
            providers.filtered("is_running"),
            lambda provider: provider._refresh(),
            "the daily look failed",
        )

    def _refresh(self):
        DailyLook(self._in_own_words()).run()

    @api.model
    def _cron_status(self):
        """Ask each connected PBX who is online, as far as routing rules need it."""
        # sudo: the job serves all companies.
        providers = self.sudo().search(
            [("company_id", "!=", False), ("state", "!=", "draft")]
        )
        for_each_provider(
            providers.filtered("is_running"),
            lambda provider: StatusLook(provider).run(),
            "who is online was not asked",
        )

    @api.model
    def _cron_keep_alive(self):
        """Renew what ends by itself at the PBXs, in time."""
        # sudo: the job serves all companies.
        subscriptions = self.env["pbx.subscription"].sudo()
        for_each_provider(
            subscriptions._find_due().provider_id.filtered("is_running"),
            lambda provider: provider._renew(),
            "not renewed",
        )
        # Whom they were for may have been archived: that is no change of these.
        stopped = subscriptions.search([("provider_id", "!=", False)])
        stopped = stopped.filtered("details").provider_id
        for_each_provider(
            stopped.filtered(lambda provider: not provider.is_running),
            lambda provider: provider._in_own_words()._end_subscription(),
            "its subscription was not ended",
        )

    def _renew(self):
        Renewal(self._in_own_words()).run()

    @api.model
    def _cron_silence(self):
        """The net under the history: look at each connected PBX."""
        # sudo: the job serves all companies.
        providers = self.sudo().search(
            [("state", "!=", "draft"), ("company_id", "!=", False)]
        )
        for_each_provider(
            providers,
            lambda provider: provider._check_silence(),
            "silence was not checked",
        )

    def _check_silence(self):
        SilenceCheck(self._in_own_words()).run()

    def _wake(self, job, at=None):
        """Have a job of ours run now, or at a time."""
        # sudo: an administrator of one company may wake our own job.
        self.env.ref(f"cloud_pbx.{job}").sudo()._trigger(at=at)

    def _wake_refresh(self, seconds=0):
        """Have the job go on where a limit stopped us."""
        self._wake(
            "ir_cron_refresh", fields.Datetime.now() + timedelta(seconds=seconds)
        )

    def _reachable_extensions(self):
        """Return the internal numbers that active routing rules can send a call to."""
        self.ensure_one()
        phones = self.env["pbx.extension"]
        rulebook = self.env["pbx.route"]._rulebook(self.id)
        user_ids, extension_ids = rulebook.reachable()
        teams = self.env["crm.team"].browse(rulebook.team_ids)
        if rulebook.reaches_teams():
            user_ids |= set(teams.member_ids.ids) & rulebook.agents.keys()
        user_ids |= {rulebook.agents[one].deputy_id for one in user_ids}
        user_ids.discard(None)
        if not user_ids and not extension_ids:
            return phones
        return phones.search(
            Domain("provider_id", "=", self.id)
            & (
                Domain("id", "in", list(extension_ids))
                | Domain("user_ids", "in", list(user_ids))
            )
        )

    def _wake_status(self, seconds):
        """Have the phones that are left asked about in the next minute."""
        self._wake("ir_cron_status", fields.Datetime.now() + timedelta(seconds=seconds))

    # ------------------------------------------------------------------------------
    # Reminders: one of each kind at a time
    # ------------------------------------------------------------------------------

    def _administrator(self):
        """Return who looks after this cloud PBX.

        The user under “Run as”, if that is an administrator; else the one who entered
        it, if so; else the first administrator of the company.
        """
        self.ensure_one()
        # sudo: who is an administrator is no secret here; nobody is shown it.
        for user_sudo in (self.sudo().user_id, self.sudo().create_uid):
            if user_sudo.active and user_sudo.has_group("base.group_system"):
                return user_sudo
        group_sudo = self.env.ref("base.group_system").sudo()
        admins = group_sudo.all_user_ids.filtered(
            lambda user: (
                user.active and not user.share and self.company_id in user.company_ids
            )
        )
        return admins.sorted("id")[:1] or self.env.ref("base.user_admin")

    def _in_own_words(self):
        """Return the record in the language of whom its sentences are for."""
        return self.with_context(lang=self._administrator().lang)

    def _remind(self, kind, note):
        """Have the administrator see to it; nothing, while that is open already.

        :param str kind: ``keys``, ``balance``, ``silence`` or ``renewal``.
        """
        xml_id = f"cloud_pbx.activity_type_{kind}"
        if not self.activity_search([xml_id]):
            self.activity_schedule(
                xml_id,
                # A text, in which the PBX may be quoted.
                note=Markup("<br/>").join(note.split("\n")),
                user_id=self._administrator().id,
            )

    def _forget_reminder(self, kind):
        """It is settled: the activity, if there is one, goes."""
        xml_id = f"cloud_pbx.activity_type_{kind}"
        if self.activity_search([xml_id]):
            self.activity_unlink([xml_id])

    # ------------------------------------------------------------------------------
    # Balance and clock
    # ------------------------------------------------------------------------------

    def _note_balance(self, balance):
        """Keep a :class:`Balance`, and remind or forget."""
        try:
            amount = float(balance.amount)
        except ValueError:
            amount = math.nan
        known = math.isfinite(amount)
        self._write_changes(
            {
                "balance": f"{balance.amount} {balance.currency}".strip() or False,
                "balance_amount": round(amount, 4) if known else 0.0,
            }
        )
        low = self._low_balance() if known else ""
        if low:
            self._remind("balance", low)
        elif known:
            self._forget_reminder("balance")

    def _low_balance(self):
        """Return a sentence about a low balance, ``""`` if it is high enough."""
        if not self.balance or self.balance_amount >= (self.balance_threshold or 0):
            return ""
        if not self.balance_threshold:
            return ""
        return self.env._(
            "Only %s is left on the account. Top it up: without money nobody can be "
            "called.",
            self.balance,
        )

    def _offset_agrees(self):
        try:
            reported = dialects.fixed_zone(self.utc_offset).utcoffset(None)
        except ValueError:
            return True
        return (
            fields.Datetime.now().astimezone(ZoneInfo(self.tz)).utcoffset() == reported
        )

    # ------------------------------------------------------------------------------
    # What an administrator should put right, and its sentences
    # ------------------------------------------------------------------------------

    @api.depends(
        "active",
        "connected_at",
        "disconnected_at",
        "subscription_ids.until",
        "user_id.active",
        "dialect",
        "tz",
        "utc_offset",
        "country_id",
        "company_id.country_id",
        "url_changed",
        "api_key",
        "api_secret",
        "login",
        "account",
        "external_url",
        "keys_changed",
        "events_changed",
        "check_ids.state",
        "balance",
        "balance_threshold",
        "general_limit",
        "statistics_limit",
    )
    def _compute_hint(self):
        for provider in self:
            provider.hint = "\n".join(provider._hints())

    def _hints(self):
        """Return what an administrator should put right, most urgent first."""
        return Hints(self).find()

    def _check_running(self):
        """Refuse what an inactive or archived PBX does not do."""
        if not self.active:
            raise UserError(
                self.env._("%s is archived. Unarchive it first.", self.display_name)
            )
        if not self.is_running:
            raise UserError(
                self.env._(
                    "%s is inactive. Choose the user under “Run as” first.",
                    self.display_name,
                )
            )

    def _inactive_sentence(self):
        if not self.active and self.connected_at and not self._dialect().subscribes:
            return self.env._(
                "Archived: events are refused. The PBX goes on sending them until you "
                "press “Disconnect”."
            )
        if not self.active:
            return self.env._("Archived: events are refused.")
        return self.env._(
            "Inactive: nobody active is entered under “Run as”, so events are refused."
        )

    def _clock_sentence(self):
        return self.env._(
            "The PBX says its clock is at %(offset)s; the time zone %(zone)s "
            "is at another offset today.",
            offset=self.utc_offset,
            zone=self.tz,
        )

    def _inside_sentence(self):
        return self.env._(
            "The webhook address lies inside your own network. A PBX on the "
            "internet cannot reach it: enter an external address."
        )

    def _missing_notifications(self):
        """Return why each notification is needed that is off and must not be."""
        essential = self._dialect().essential_notifications
        return [
            self.env._(why)
            for name, why in essential.items()
            if not self[f"notify_{name}"]
        ]

    # ------------------------------------------------------------------------------
    # What came in
    # ------------------------------------------------------------------------------

    def _compute_inbox(self):
        events = self.env["pbx.event"]
        for provider in self:
            newest = events.search_fetch(
                [
                    ("provider_id", "=", provider._origin.id),
                    # Odoo's own test event is none of the PBX.
                    ("event_type", "!=", provider._dialect().sample_event),
                ],
                ["received_at"],
                order="received_at desc",
                limit=1,
            )
            last = newest.received_at
            if not last:
                # The inbox is pruned; the log is not. A call found later had no
                # event.
                call = self.env["pbx.call"].search_fetch(
                    [
                        ("provider_id", "=", provider._origin.id),
                        ("from_history", "=", False),
                    ],
                    ["last_event_at"],
                    order="start desc",
                    limit=1,
                )
                last = call.last_event_at
            provider.last_event_at = last
        counts = {
            (provider.id, state): count
            for provider, state, count in events._read_group(
                [
                    ("provider_id", "in", self.ids),
                    ("state", "in", ("pending", "failed")),
                ],
                ["provider_id", "state"],
                ["__count"],
            )
        }
        for provider in self:
            provider.waiting_count = counts.get((provider._origin.id, "pending"), 0)
            provider.failed_count = counts.get((provider._origin.id, "failed"), 0)

    @api.depends_context("uid")
    def _compute_call_count(self):
        # The button that shows it opens the calls that the user may see.
        calls, counts = self.env["pbx.call"], {}
        if calls.has_access("read"):
            domain = [("provider_id", "in", self.ids)]
            counts = dict(calls._read_group(domain, ["provider_id"], ["__count"]))
        for provider in self:
            provider.call_count = counts.get(provider._origin, 0)

    def action_replay_failed(self):
        """Have every failed event of these cloud PBXs applied again, by the job."""
        self.check_access("write")
        count = self.env["pbx.event"]._replay_failed(self)
        return notification(self.env["pbx.event"]._replay_text(count))

    # ------------------------------------------------------------------------------
    # Past calls and recordings
    # ------------------------------------------------------------------------------

    def _compute_history_mark(self):
        catch_ups = self.env["pbx.history"].search(
            [("provider_id", "in", self._origin.ids), ("kind", "=", "catch_up")]
        )
        by_provider = {one.provider_id.id: one for one in catch_ups}
        for provider in self:
            catch_up = by_provider.get(provider._origin.id, catch_ups.browse())
            provider.history_mark = catch_up.until
            provider.history_error = catch_up.error

    def _history_wanted(self):
        """Have the job catch up soon."""
        if any(dialects.get(one.dialect).can_replay for one in self):
            # sudo: to start the job is all that is done with it
            self.env.ref("cloud_pbx.ir_cron_replay").sudo()._trigger()
        histories = self.env["pbx.history"].sudo()  # sudo: the job's own table
        for provider in self:
            catch_up = histories._catch_up_of(provider.id)
            if catch_up.next_attempt_at:
                catch_up.next_attempt_at = False
        histories._wake()

    def action_fetch_history(self):
        """Catch up with the PBX's past calls now, as the job does.

        :return: a notification that says what was found, or why not.
        """
        self.ensure_one()
        self.check_access("write")
        self._check_running()
        if dialects.get(self.dialect).can_replay:
            return Replay(self).run_for_person()
        return FetchNow(self).run()

    def _fetches_recordings(self):
        """Return those that may be asked for recordings now."""
        now = fields.Datetime.now()
        # A pause that goes on for longer than any was made by a wrong clock.
        longest = now + timedelta(hours=1)
        return self._asked_by_jobs().filtered(
            lambda provider: (
                not now < (provider.recordings_paused_until or now) <= longest
            )
        )


def _trimmed(vals):
    """Return values to be written, without blanks around what is pasted."""
    return {
        name: (without_blanks(value) or False) if name in PASTED else value
        for name, value in vals.items()
    }
