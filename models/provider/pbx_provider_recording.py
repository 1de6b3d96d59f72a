"""What is kept of recordings, how large, and for how long."""

from odoo import api, fields, models
from odoo.exceptions import ValidationError

# Changes after which what was refused may be let in.
_ASKED_WITH = {"api_key", "api_secret", "server_url", "user_id", "active", "dialect"}


class PbxProvider(models.Model):
    _inherit = "pbx.provider"

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

    @api.constrains("recording_max_mb", "recording_days")
    def _check_recordings(self):
        for provider in self:
            if provider.recording_max_mb < 1 or provider.recording_days < 0:
                raise ValidationError(
                    self.env._(
                        "A recording may have one megabyte at least, and is kept for "
                        "a number of days, or 0 for ever."
                    )
                )

    def write(self, vals):
        result = super().write(vals)
        if _ASKED_WITH.intersection(vals):
            # sudo: nobody reads or writes it but the code
            paused_sudo = self.sudo().filtered("recordings_paused_until")
            if paused_sudo:
                paused_sudo.recordings_paused_until = False
            self.env["pbx.recording"]._wake_fetching([fields.Datetime.now()])
        return result

    def _fetches_recordings(self):
        """Return those that may be asked for recordings now."""
        now = fields.Datetime.now()
        return self.filtered(
            lambda provider: (
                provider.is_running
                and (
                    not provider.recordings_paused_until
                    or provider.recordings_paused_until <= now
                )
            )
        )
