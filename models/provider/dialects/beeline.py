import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ....telephony.beeline import dialect as beeline
from ....telephony.beeline import subscription
from .. import pbx_provider  # noqa: F401  (the model that is extended comes first)

ADMIN = "base.group_system"
CODE = beeline.Beeline.code
# The least and the most that Beeline is asked for, in seconds: renewed after half of
# it, and never granted for more than a day.
LEAST_EXPIRES, MOST_EXPIRES = 240, 86400
# A user ID, a phone of ten digits, or an internal number.
PATTERN = re.compile(r"[A-Za-z0-9._-]{1,80}(@[A-Za-z0-9.-]{1,80})?")
# These are part of what Beeline was asked for.
SUBSCRIPTION_SETTINGS = ("account", beeline.SUBSCRIPTION_TYPE, beeline.EXPIRES)


class PbxProvider(models.Model):
    """What only Beeline needs: what is subscribed, and how its answers are read."""

    _inherit = "pbx.provider"

    beeline_subscription_type = fields.Selection(
        [("BASIC_CALL", "Basic calls"), ("ADVANCED_CALL", "Advanced calls")],
        string="Kind of subscription",
        default="BASIC_CALL",
        groups=ADMIN,
        help="Which events Beeline sends. The basic ones are enough for all that Odoo "
        "does; the advanced ones report more of holding and transferring.",
    )
    beeline_expires = fields.Integer(
        "Subscribe for (seconds)",
        default=MOST_EXPIRES,
        groups=ADMIN,
        help="Beeline may grant less. Odoo renews the subscription after half of what "
        "was granted.",
    )
    beeline_statistics_unit = fields.Selection(
        [("ms", "Milliseconds"), ("s", "Seconds")],
        string="Durations in the statistics",
        default="ms",
        groups=ADMIN,
        help="Beeline does not say in which unit its statistics tell how long a call "
        "was. Choose the other one if past calls are a thousand times too long or "
        "too short.",
    )
    beeline_sources = fields.Char(
        "Events only from",
        groups=ADMIN,
        help="Addresses or networks of Beeline that may send events, separated by "
        "commas: 203.0.113.7, 198.51.100.0/24. Events from elsewhere are refused. "
        "Empty: from everywhere.",
    )

    def _decides_events(self, name):
        if any(one.dialect == CODE for one in self) and name in SUBSCRIPTION_SETTINGS:
            return True
        return super()._decides_events(name)

    @api.depends(*SUBSCRIPTION_SETTINGS)
    def _compute_hint(self):
        return super()._compute_hint()

    @api.constrains("dialect", "account")
    def _check_beeline_account(self):
        for provider in self.filtered(lambda one: one.dialect == CODE):
            # sudo: what is wrong is said to whoever may save it
            patterns = subscription.patterns_of(provider.sudo()._account())
            for name in filter(None, patterns):
                if not PATTERN.fullmatch(name):
                    raise ValidationError(
                        self.env._(
                            "%(field)s: “%(name)s” is no user ID, phone or internal "
                            "number. Enter them separated by commas, such as "
                            "9000000101@ip.beeline.ru, 9000000102, 103.",
                            field=provider._label_of("account"),
                            name=name,
                        )
                    )

    @api.constrains("dialect", "beeline_expires")
    def _check_beeline_expires(self):
        for provider in self.filtered(lambda one: one.dialect == CODE):
            if not LEAST_EXPIRES <= provider.beeline_expires <= MOST_EXPIRES:
                raise ValidationError(
                    self.env._(
                        "%(field)s: enter %(least)s to %(most)s.",
                        field=provider._label_of("beeline_expires"),
                        least=LEAST_EXPIRES,
                        most=MOST_EXPIRES,
                    )
                )

    @api.constrains("dialect", "beeline_sources")
    def _check_beeline_sources(self):
        for provider in self.filtered(lambda one: one.dialect == CODE):
            _networks, unread = beeline.read_sources(provider.beeline_sources)
            if unread:
                raise ValidationError(
                    self.env._(
                        "%(field)s: “%(address)s” is no address or network. Enter "
                        "them separated by commas, such as 203.0.113.7, "
                        "198.51.100.0/24.",
                        field=provider._label_of("beeline_sources"),
                        address=unread[0],
                    )
                )
