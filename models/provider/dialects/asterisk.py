from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import SQL, format_datetime

from ....telephony.asterisk import files
from .. import pbx_provider  # noqa: F401  (the model that is extended comes first)

ADMIN = "base.group_system"
CODE = "asterisk"
# What Asterisk says of the files that it runs.
LOG_REPORT = "log_version"
VERSION_REPORTS = (LOG_REPORT, "dialplan_version")
CLOCK_REPORT = "clock"
# So much a clock may be off.
CLOCK_SECONDS = 60
# A replay of more than so many events tells of an outage, for so long.
OUTAGE_DAYS = 2
# A phone may ring for so long.
MAX_RING_SECONDS = 300
# What the texts are made of.
IN_FILES = ("login", "api_key", "api_secret", "webhook_url", *files.OPTIONS)
TEXT_FIELDS = {
    "asterisk_text_cel": "cloud_pbx_cel.conf",
    "asterisk_text_cel_custom": "cloud_pbx_cel_custom.conf",
    "asterisk_text_extensions": "cloud_pbx_extensions.conf",
    "asterisk_text_ari": "cloud_pbx_ari.conf",
    "asterisk_text_readme": "README",
    "asterisk_text_inbound": "example_inbound.conf",
}


class Text(fields.Text):
    """A text with secrets in it: shown to administrators, and in no export."""

    exportable = False

    def convert_to_export(self, value, record):
        return ""


def _text_field(field):
    return Text(TEXT_FIELDS[field], compute="_compute_asterisk_texts", groups=ADMIN)


class PbxProvider(models.Model):
    """What only Asterisk needs: how it is dialled through, and its configuration."""

    _inherit = "pbx.provider"

    asterisk_technology = fields.Char(
        "Channel technology",
        default=files.DEFAULTS[files.TECHNOLOGY],
        groups=ADMIN,
        help="Of the endpoints of your phones: PJSIP, or SIP in old installations.",
    )
    asterisk_context = fields.Char(
        "Dialplan context",
        default=files.DEFAULTS[files.CONTEXT],
        groups=ADMIN,
        help="Where the calls of your phones are dialled. Calls that are clicked in "
        "Odoo are dialled there, and incoming calls are redirected to there.",
    )
    asterisk_trunks = fields.Char(
        "Trunks",
        groups=ADMIN,
        help="Endpoints that lead outside, separated by commas; “*” at the end stands "
        "for any rest: carrier, gsm-*. Empty: all that are not internal numbers.",
    )
    asterisk_ring_seconds = fields.Integer(
        "Ring own phone (seconds)",
        default=files.DEFAULTS[files.RING_SECONDS],
        groups=ADMIN,
        help="For so long the phone of who clicked a number rings.",
    )
    asterisk_dial_format = fields.Selection(
        [
            ("digits", "Digits: 442079460201"),
            ("e164", "With a plus: +442079460201"),
            ("national", "National: 02079460201"),
        ],
        string="Format of dialled numbers",
        default=files.DEFAULTS[files.DIAL_FORMAT],
        groups=ADMIN,
        help="How your dialplan expects numbers that are clicked in Odoo.",
    )
    asterisk_dial_prefix = fields.Char(
        "Dialling prefix",
        groups=ADMIN,
        help="Put before numbers outside, such as 9 for an outside line.",
    )
    asterisk_recordings = fields.Char(
        "Folder of recordings",
        default=files.DEFAULTS[files.RECORDINGS],
        groups=ADMIN,
        help="On Asterisk's server. Odoo can fetch only what lies in the folder "
        "“recording” of its spool, or below.",
    )
    asterisk_replayed_at = fields.Datetime(
        "Last replay", compute="_compute_asterisk_reports", groups=ADMIN
    )
    asterisk_replayed_count = fields.Integer(
        "Events of the last replay",
        compute="_compute_asterisk_reports",
        groups=ADMIN,
        help="So many events Odoo had not taken before.",
    )
    asterisk_outdated = fields.Boolean(
        "Older files",
        compute="_compute_asterisk_reports",
        groups=ADMIN,
        help="Asterisk runs other files than those on this page.",
    )
    asterisk_text_cel = _text_field("asterisk_text_cel")
    asterisk_text_cel_custom = _text_field("asterisk_text_cel_custom")
    asterisk_text_extensions = _text_field("asterisk_text_extensions")
    asterisk_text_ari = _text_field("asterisk_text_ari")
    asterisk_text_readme = _text_field("asterisk_text_readme")
    asterisk_text_inbound = _text_field("asterisk_text_inbound")

    # ------------------------------------------------------------------------------
    # The files
    # ------------------------------------------------------------------------------

    def asterisk_files(self):
        """Return ``{file name: text}``: what Asterisk is given, and what to read.

        :raises AccessError: the texts hold secrets; they are for administrators.
        :raises UserError: something is missing, or would break the files.
        """
        self.ensure_one()
        if not self.env.user.has_group(ADMIN):
            raise AccessError(
                self.env._("The files hold secrets: they are for administrators.")
            )
        self.check_access("write")
        if self.dialect != CODE:
            raise UserError(
                self.env._("%s is not an Asterisk server.", self.display_name)
            )
        self._check_complete()
        # sudo: the secrets of the account; who asks may see them
        account = self.sudo()._account()
        if not account.webhook_url:
            raise UserError(
                self.env._("There is no address: enter an external address first.")
            )
        if unfit := files.find_unfit(account):
            raise UserError(self._unfit_sentence(*unfit))
        return files.render(account)

    def _setup_files(self):
        return self.asterisk_files() if self.dialect == CODE else super()._setup_files()

    def action_asterisk_download(self):
        """Have the browser fetch the archive."""
        self.asterisk_files()  # says what is missing
        return {
            "type": "ir.actions.act_url",
            "url": f"/pbx/setup/{self.id}/files.zip",
            "target": "download",
        }

    @api.depends(*IN_FILES, "dialect")
    def _compute_asterisk_texts(self):
        for provider in self:
            try:
                saved = provider.dialect == CODE and provider._origin
                texts = saved.asterisk_files() if saved else {}
            except UserError:
                texts = {}
            for field, name in TEXT_FIELDS.items():
                provider[field] = texts.get(name, False)

    # ------------------------------------------------------------------------------
    # What can be written into them
    # ------------------------------------------------------------------------------

    @api.constrains("dialect", "external_url", "port", *IN_FILES[:3], *files.OPTIONS)
    def _check_asterisk_texts(self):
        for provider in self.filtered(lambda one: one.dialect == CODE):
            # sudo: what is wrong names no secret
            if unfit := files.find_unfit(provider.sudo()._account()):
                raise ValidationError(provider._unfit_sentence(*unfit))

    def _unfit_sentence(self, name, allowed):
        """Return what is wrong with a field, and what it may hold."""
        return self.env._(
            "%(field)s: the files for Asterisk would break. Allowed: %(allowed)s.",
            field=self._label_of("external_url" if name == "webhook_url" else name),
            allowed=self.env._(allowed),
        )

    @api.constrains("asterisk_ring_seconds", "dialect")
    def _check_asterisk_ring_seconds(self):
        for provider in self.filtered(lambda one: one.dialect == CODE):
            if not 1 <= provider.asterisk_ring_seconds <= MAX_RING_SECONDS:
                raise ValidationError(
                    self.env._(
                        "%(field)s: enter 1 to %(most)s.",
                        field=provider._label_of("asterisk_ring_seconds"),
                        most=MAX_RING_SECONDS,
                    )
                )

    # ------------------------------------------------------------------------------
    # What Asterisk says of itself
    # ------------------------------------------------------------------------------

    @api.depends(*IN_FILES, "dialect")
    def _compute_asterisk_reports(self):
        for provider in self:
            replays = self.env["pbx.replay"]
            if provider.dialect == CODE:
                replays = replays._of(provider._origin)
            provider.asterisk_replayed_at = replays.replayed_at
            provider.asterisk_replayed_count = replays.replayed_count
            reports = provider._asterisk_reports()
            running = {reports[name] for name in VERSION_REPORTS if name in reports}
            provider.asterisk_outdated = provider._runs_older_files(running)

    def _asterisk_reports(self):
        """Return what Asterisk says of itself, ``{name: value}``."""
        if self.dialect != CODE:
            return {}
        # sudo: kept from everybody but the code
        return self.env["pbx.replay"]._of(self._origin).sudo().reports or {}

    def _events_proven(self):
        if self.dialect == CODE:
            # The dialplan has told which files it runs now. What wrote the last record
            # may be of before, which the next one tells.
            self.env["pbx.replay"]._forget(self.id, [LOG_REPORT])
        return super()._events_proven()

    def _runs_older_files(self, running):
        # sudo: whether it is the same version says nothing of the secrets in it
        return bool(running) and running != {
            files.version(self._origin.sudo()._account())
        }

    @api.depends(*IN_FILES, "asterisk_outdated")
    def _compute_hint(self):
        return super()._compute_hint()

    def _hints(self):
        hints = super()._hints()
        if self.dialect == CODE:
            hints += filter(None, self._asterisk_hints())
        return hints

    def _asterisk_hints(self):
        if self.asterisk_outdated:
            yield self.env._(
                "Asterisk runs older files: copy those of the page “Asterisk” there "
                "again, run “core reload” and “module reload cel_custom.so”, then "
                "press “Connect”."
            )
        seconds_off = self._asterisk_reports().get(CLOCK_REPORT, 0)
        minutes_off = round(abs(seconds_off) / 60)
        if abs(seconds_off) >= CLOCK_SECONDS and minutes_off == 1:
            yield self.env._(
                "The clock of Asterisk's server is off by about a minute, and so are "
                "the times of its calls: set it by NTP."
            )
        elif abs(seconds_off) >= CLOCK_SECONDS:
            yield self.env._(
                "The clock of Asterisk's server is off by about %s minutes, and so are "
                "the times of its calls: set it by NTP.",
                minutes_off,
            )
        yield self._asterisk_outage()

    def _asterisk_outage(self):
        """Return when Asterisk could not reach Odoo, if that was lately."""
        replays = self.env["pbx.replay"]._of(self._origin)
        replayed, count = replays.outage_at, replays.outage_count
        since = fields.Datetime.now() - timedelta(days=OUTAGE_DAYS)
        if not replayed or replayed < since:
            return ""
        # sudo: the times alone, of whatever calls these were
        [[start, stop]] = self.sudo().env.execute_query(
            SQL(
                """SELECT min(call.start), max(coalesce(call.stop, call.start))
                     FROM (SELECT DISTINCT ref FROM pbx_event
                            WHERE provider_id = %(provider)s AND ref IS NOT NULL
                              AND received_at BETWEEN %(begin)s AND %(end)s) event
                     JOIN pbx_call call ON call.provider_id = %(provider)s
                                       AND call.ref = event.ref
                    WHERE call.stop < %(begin)s""",
                provider=self.id,
                # As many events as these take so long to be posted.
                begin=replayed - timedelta(seconds=10 + count),
                end=replayed + timedelta(seconds=1),
            )
        )
        if not start:
            return ""
        return self.env._(
            "Asterisk could not reach Odoo from %(start)s to %(stop)s. It has sent "
            "%(count)s events since, and the calls are in the log.",
            start=format_datetime(self.env, start),
            stop=format_datetime(self.env, stop),
            count=count,
        )
