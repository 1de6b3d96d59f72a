"""What was changed here since the PBX was connected, and it does not know yet.

New keys: what the old secret signed is still taken while it is on its way.
"""

from datetime import timedelta

from odoo import fields, models

from ..tools.secret_field import Secret

# Hours in which events signed by the former secret are taken.
OVERLAP_HOURS = 24


class PbxProvider(models.Model):
    _inherit = "pbx.provider"

    keys_changed = fields.Boolean(
        readonly=True,
        copy=False,
        groups="base.group_system",
        help="The keys were changed after this cloud PBX was connected.",
    )
    events_changed = fields.Boolean(
        readonly=True,
        copy=False,
        groups="base.group_system",
        help="Other events were ticked after this cloud PBX was connected.",
    )
    former_secret = Secret(readonly=True, copy=False, groups="base.group_system")
    former_secret_until = fields.Datetime(
        readonly=True, copy=False, groups="base.group_system"
    )

    def write(self, vals):
        told = {"api_key", "api_secret"} & set(vals)
        events = {name for name in vals if name.startswith("notify_")}
        if not told and not events:
            return super().write(vals)
        before = {
            provider: {name: provider[name] for name in told | events}
            for provider in self.filtered("connected_url")
        }
        result = super().write(vals)
        for provider, old in before.items():
            changed = {name for name in old if provider[name] != old[name]}
            values = {}
            if changed & told:
                values["keys_changed"] = True
            if changed & events:
                values["events_changed"] = True
            if "api_secret" in changed and old["api_secret"] and provider.api_secret:
                values["former_secret"] = old["api_secret"]
                until = fields.Datetime.now() + timedelta(hours=OVERLAP_HOURS)
                values["former_secret_until"] = until
            if values:
                super(PbxProvider, provider).write(values)
        return result

    def _keys_are_good(self):
        """The PBX took the present keys: what it told in between is fetched."""
        if not self.keys_changed:
            return
        self.keys_changed = False
        if self.history_mark:  # else the job begins by itself
            self._history_wanted()

    def _forget_former_secret(self):
        until = self.former_secret_until
        if until and until <= fields.Datetime.now():
            self.write({"former_secret": False, "former_secret_until": False})
