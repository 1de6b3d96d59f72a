import secrets
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.base.models.res_partner import _tz_get

from ...telephony import dialect as dialects
from ..tools.secret_field import Secret

ADMIN = "base.group_system"


class PbxProvider(models.Model):
    """A company's connection to one cloud PBX."""

    _name = "pbx.provider"
    _description = "Cloud PBX"
    _order = "sequence, id"
    _check_company_auto = True

    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    code = fields.Char(
        readonly=True,
        copy=False,
        index=True,
        default=lambda self: self.env["ir.sequence"].next_by_code("pbx.provider"),
        help="Number of this record, given by Odoo.",
    )
    name = fields.Char(
        required=True, help="What your people call this connection: “Zadarma”."
    )
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
        default="zadarma",
        help="Which PBX it is; decides how events are read and checked.",
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
        required=True,
        default="https://api.zadarma.com",
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
        help="The key of the PBX's API. At Zadarma: Settings ‣ API and integrations, "
        "field “Key”.",
    )
    api_secret = Secret(
        string="Key for the signature",
        groups=ADMIN,
        copy=False,
        help="Signs what is sent in both directions. At Zadarma the field “Secret”. "
        "Whoever changes keys at the PBX cuts off everything that uses the old ones.",
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
    url_changed = fields.Boolean(compute="_compute_webhook_url", groups=ADMIN)
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
        string="Look the client up only after the handset is lifted",
        help="The client is not looked for while the phone rings. A call that nobody "
        "answers is looked up when it ends.",
    )
    open_call_hours = fields.Integer(
        string="Close open calls after (hours)",
        default=4,
        help="A call whose end was never told closes this long after its last event.",
    )
    notify_start = fields.Boolean("Incoming call (NOTIFY_START)", default=True)
    notify_internal = fields.Boolean("Extension rings (NOTIFY_INTERNAL)", default=True)
    notify_answer = fields.Boolean(
        "Answer (NOTIFY_ANSWER)",
        default=True,
        help="The least that has to be on.",
    )
    notify_end = fields.Boolean("End of an incoming call (NOTIFY_END)", default=True)
    notify_out_start = fields.Boolean("Outgoing call (NOTIFY_OUT_START)", default=True)
    notify_out_end = fields.Boolean(
        "End of an outgoing call (NOTIFY_OUT_END)", default=True
    )
    country_id = fields.Many2one(
        "res.country",
        default=lambda self: self.env.company.country_id,
        help="How national numbers that people typed are read, where neither the "
        "contact nor its company has a country.",
    )
    tz = fields.Selection(
        selection=_tz_get,
        string="Time zone of the account",
        help="The zone set at the PBX: its events tell local times without a zone.",
    )
    utc_offset = fields.Char(
        string="Offset told by the PBX",
        readonly=True,
        copy=False,
        help="Such as UTC+3. Used while no time zone is chosen; it knows no summer "
        "time.",
    )
    state = fields.Selection(
        [("draft", "Not connected"), ("connected", "Connected"), ("error", "Error")],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
    )
    last_error = fields.Text(readonly=True, copy=False, groups=ADMIN)
    balance = fields.Char(readonly=True, copy=False, groups=ADMIN)
    recording_mode = fields.Selection(
        [("store", "Store in Odoo"), ("link", "Fetch a link when it is played")],
        default="store",
        required=True,
        help="Links of the PBX end after a while, and so does its storage: a stored "
        "recording stays.",
    )
    extension_ids = fields.One2many(
        "pbx.extension", "provider_id", string="Internal numbers"
    )

    _webhook_token_uniq = models.UniqueIndex("(webhook_token)")

    @api.model
    def _selection_dialect(self):
        return [(dialect.code, dialect.label) for dialect in dialects.available()]

    # --------------------------------------------------------------- computed

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

    def _public_address(self, address):
        """Return ``address`` with a scheme, the forwarded port, and no final slash."""
        if address and "://" not in address:
            address = f"http://{address}"
        parts = urlsplit(address)
        netloc = parts.netloc
        if self.port and parts.port is None:
            netloc = f"{netloc}:{self.port}"
        return urlunsplit((parts.scheme, netloc, parts.path.rstrip("/"), "", ""))

    # ------------------------------------------------------------ constraints

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
                raise ValidationError(self.env._("A port lies between 1 and 65535."))

    @api.constrains("external_url", "server_url")
    def _check_addresses(self):
        for provider in self:
            for address in (provider.external_url, provider.server_url):
                if not address:
                    continue
                try:
                    parts = urlsplit(provider._public_address(address.strip()))
                    valid = parts.scheme in ("http", "https") and parts.hostname
                    # A port that is none is told only when it is asked for.
                    valid = valid and parts.port != 0 and " " not in parts.netloc
                except ValueError:
                    valid = False
                if not valid or parts.username:
                    raise ValidationError(
                        self.env._(
                            "“%s” is not a web address. Write it like "
                            "https://odoo.example.com",
                            address,
                        )
                    )

    @api.constrains("open_call_hours", "log_days")
    def _check_periods(self):
        for provider in self:
            if provider.open_call_hours < 1 or provider.log_days < 3:
                raise ValidationError(
                    self.env._(
                        "Open calls close after one hour at the earliest, and the log "
                        "is kept for at least three days: repeated deliveries are "
                        "recognised by it."
                    )
                )

    # ------------------------------------------------------------------- CRUD

    @api.model_create_multi
    def create(self, vals_list):
        providers = super().create(vals_list)
        self.env.registry.clear_cache()
        return providers

    def write(self, vals):
        result = super().write(vals)
        self.env.registry.clear_cache()
        return result

    def unlink(self):
        result = super().unlink()
        self.env.registry.clear_cache()
        return result

    # ---------------------------------------------------------------- actions

    def action_rotate_token(self):
        """Give the webhook a new address; the old one is dead at once."""
        self.ensure_one()
        # The right to write the record is asked for before the secret is made.
        self.check_access("write")
        self.webhook_token = secrets.token_urlsafe(24)
        return self._notify(
            self.env._("The webhook has a new address: press “Connect”."), "warning"
        )

    def _notify(self, message, kind="info", sticky=False):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "message": message,
                "type": kind,
                "sticky": sticky,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
