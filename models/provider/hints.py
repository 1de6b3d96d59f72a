"""What an administrator should put right, above a connection's form."""

from datetime import timedelta
from urllib.parse import urlsplit

from odoo import fields
from odoo.tools import format_datetime, format_time

from ...telephony import dialect as dialects

# For so long the form says that an event was refused.
REFUSED_MINUTES = 60
# Of so many connections the keys are compared.
MAX_TWINS = 50


class Hints:
    """Hints of one connection, in the language of whom they are for."""

    def __init__(self, provider):
        provider.ensure_one()
        self.provider, self.env = provider, provider.env
        self.dialect = provider._dialect()

    def find(self):
        """Return the hints as sentences, most urgent first."""
        hints = [
            *self._of_settings(),
            *self._of_address(),
            *self._of_subscription(),
            *self._of_changes(),
            *self._of_refusals(),
            *self._of_limits(),
        ]
        return [hint for hint in hints if hint]

    def _of_settings(self):
        provider, dialect = self.provider, self.dialect
        if not provider.is_running:
            yield provider._inactive_sentence()
        missing = provider._missing_fields()
        if missing:
            yield provider._missing_sentence(missing)
        elif wrong := provider._wrong_settings():
            yield wrong
        yield from provider._missing_notifications()
        if "tz" in dialect.form:
            if not provider.tz and not provider.utc_offset:
                yield self.env._(
                    "No time zone is known yet: a call begins when its first event "
                    "comes. Choose the time zone of the account."
                )
            elif provider.tz and provider.utc_offset and not provider._offset_agrees():
                yield provider._clock_sentence()
        if twin := self._twin():
            yield self.env._(
                "“%s” has the same keys: each call is logged twice. Archive one of "
                "the two.",
                twin.name,
            )
        if not (provider.country_id or provider.company_id.country_id):
            yield self.env._(
                "No country is chosen: numbers that were typed without a country "
                "code may not be recognised."
            )

    def _twin(self):
        """Return another cloud PBX that is connected with the same keys, if any."""
        provider = self.provider
        own = provider.sudo()  # sudo: keys are compared, and not shown
        if not (own.api_key and provider.connected_at and provider.active):
            return provider.browse()
        # sudo: of other companies, too; only its name is shown
        others = provider.sudo().search(
            [
                ("id", "!=", provider._origin.id),
                ("dialect", "=", provider.dialect),
                ("connected_at", "!=", False),
            ],
            limit=MAX_TWINS,
        )
        same = ("api_key", "server_url", "account", "login")
        return others.filtered(
            lambda one: all(one[name] == own[name] for name in same)
        )[:1]

    def _of_refusals(self):
        provider = self.provider
        refused = self.env["pbx.replay"]._of(provider._origin).unproven_at
        since = fields.Datetime.now() - timedelta(minutes=REFUSED_MINUTES)
        if not (provider.connected_at and refused):
            return
        if refused <= max(since, provider.connected_at):
            return
        if self.dialect.proof is dialects.Proof.ADDRESS:
            yield self.env._(
                "An event was refused at %s: Odoo does not know its subscription, or "
                "does not allow the address that sent it. If calls are missing, press "
                "“Connect”.",
                format_time(self.env, refused, tz=self.env.user.tz or "UTC"),
            )
        else:
            yield self.env._(
                "An event was refused at %s, since its signature is not right: the PBX "
                "signs with another secret, or somebody else knows the address.",
                format_time(self.env, refused, tz=self.env.user.tz or "UTC"),
            )

    def _of_limits(self):
        """Say where more is asked for than the PBX allows by its documents."""
        provider = self.provider
        for name, bucket in (
            ("general_limit", dialects.GENERAL),
            ("statistics_limit", dialects.STATISTICS),
        ):
            allowed = self.dialect.limits[bucket]
            if provider[name] > allowed:
                yield self.env._(
                    "%(field)s: %(number)s entered, but %(pbx)s allows %(allowed)s and "
                    "refuses the rest.",
                    field=provider._label_of(name),
                    number=provider[name],
                    pbx=self.dialect.label,
                    allowed=allowed,
                )

    def _of_address(self):
        provider = self.provider
        address, inside = (
            provider.webhook_url,
            provider._is_inside(provider.webhook_url),
        )
        if provider.url_changed and provider.connected_at:
            yield self.env._(
                "The webhook address has changed since it was last known to work. "
                "The PBX still sends to the old one: press “Connect”."
            )
        elif provider.url_changed:
            yield self.env._(
                "The webhook address has changed since it was last checked. Press "
                "“Connect”, or enter it at the PBX."
            )
        if inside and not provider._is_inside(provider.server_url):
            yield provider._inside_sentence()
        elif not inside and urlsplit(address or "").scheme == "http":
            yield self.env._(
                "The webhook address is plain HTTP: who called whom can be read "
                "on the way. HTTPS is better."
            )

    def _of_subscription(self):
        """Say that no events are sent, where the check list does not."""
        provider = self.provider
        if not (self.dialect.subscribes and provider.is_running):
            return
        address = provider.check_ids.filtered(lambda check: check.step == "address")
        if provider.disconnected_at and not provider.connected_at:
            yield self.env._("The PBX sends no events to Odoo: press “Connect”.")
        elif provider.subscription_ended and address.state != "failed":
            yield self.env._(
                "The PBX has sent no events since %s: its subscription has ended. "
                "Odoo subscribes anew.",
                format_datetime(self.env, provider.subscribed_until, dt_format="short"),
            )

    def _of_changes(self):
        provider = self.provider
        refused = {
            check.step for check in provider.check_ids if check.state == "failed"
        }
        # Once tried and refused, the check list says what to do.
        if provider.keys_changed and "keys" not in refused:
            yield self.env._(
                "The keys changed: press “Connect”. What the PBX still sends with "
                "the old ones is taken for a day."
            )
        if provider.events_changed and self.dialect.subscribes:
            yield self.env._(
                "The settings of the subscription changed, and the PBX has the former "
                "ones: press “Connect”."
            )
        elif provider.events_changed:
            yield self.env._(
                "Other events are ticked than the PBX sends: press “Connect”."
            )
        yield provider._low_balance()
