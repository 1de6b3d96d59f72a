"""Where a call goes: what rules and the keys of a menu have in common."""

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...telephony import routing
from .. import pbx_remembered  # noqa: F401  (the model that is inherited comes first)

TARGETS = [
    ("promise", "Responsible for the call-back"),
    ("salesperson", "Their salesperson"),
    ("last_agent", "Who spoke last with them"),
    ("user", "Person"),
    ("team", "Sales Team"),
    ("extension", "Internal number"),
    ("pbx", "Target at the PBX"),
    ("menu", "Menu"),
    ("play", "Message"),
    ("hangup", "Hang up"),
    ("refuse", "Busy signal"),
    ("scenario", "The PBX's own scenario"),
]
# What a target cannot do without.
NEEDED = {
    "user": "user_id",
    "extension": "extension_id",
    "pbx": "pbx_target",
    "menu": "menu_id",
    "play": "sound",
}
# Those that ring somebody's phone, and may give up after a while.
RINGING = ("promise", "salesperson", "last_agent", "user", "team", "extension", "pbx")
# What the PBX takes; 0 besides.
LEAST_RING_SECONDS = 3


class PbxTarget(models.AbstractModel):
    """Where a call goes. Who inherits this has a ``company_id`` and a ``provider_id``,
    which may be empty: any cloud PBX of the company."""

    _name = "pbx.target"
    _description = "Where a call goes"
    _inherit = ["pbx.remembered"]

    target = fields.Selection(
        TARGETS, string="Goes to", required=True, default="salesperson"
    )
    user_id = fields.Many2one(
        "res.users",
        string="Person",
        domain=[("share", "=", False)],
        check_company=True,
        ondelete="restrict",
    )
    extension_id = fields.Many2one(
        "pbx.extension",
        string="Internal number",
        check_company=True,
        ondelete="restrict",
        help="Rings whoever sits there.",
    )
    team_id = fields.Many2one(
        "crm.team",
        string="Sales Team",
        check_company=True,
        ondelete="restrict",
        help="Whoever of them has been idle longest. Empty: the team of the line.",
    )
    pbx_target = fields.Char(
        string="Target at the PBX",
        help="In the PBX's own words: an internal number, or one of its scenarios.",
    )
    menu_id = fields.Many2one("pbx.menu", check_company=True, ondelete="restrict")
    sound = fields.Char(
        help="The ID that the sound manager of the PBX shows for the message."
    )
    days = fields.Integer(
        string="Within (days)", default=30, help="A talk longer ago does not count."
    )
    ring_seconds = fields.Integer(
        string="Rings for (seconds)",
        default=20,
        help="Then the PBX continues with its own scenario. 0: it rings until the "
        "caller gives up; otherwise at least 3.",
    )

    def _check_spelling(self):
        """Refuse what is no target of the PBX, or of any of the company's."""
        # sudo: which kinds of PBX there are, for whoever enters a target
        providers_sudo = self.provider_id.sudo() or self.env["pbx.provider"].sudo()
        if not providers_sudo:
            providers_sudo = providers_sudo.search(
                [("company_id", "=", self.company_id.id)]
            )
        providers_sudo._check_target(self.pbx_target)

    @api.constrains(
        *("target", "user_id", "extension_id", "pbx_target", "menu_id", "sound")
    )
    def _check_target(self):
        for record in self:
            needed = NEEDED.get(record.target)
            if needed and not record[needed]:
                raise ValidationError(
                    self.env._(
                        "%(rule)s: enter this as well: %(field)s.",
                        rule=record.display_name,
                        field=record._fields[needed]._description_string(self.env),
                    )
                )
            if record.pbx_target and record.target in ("pbx", "play"):
                record._check_spelling()
            for name in ("menu_id", "extension_id"):
                record._check_same_provider(name)

    def _check_same_provider(self, name):
        there = self[name].provider_id
        if NEEDED.get(self.target) != name or not there or not self.provider_id:
            return
        if there != self.provider_id:
            raise ValidationError(
                self.env._(
                    "%(target)s belongs to another cloud PBX than %(rule)s.",
                    target=self[name].display_name,
                    rule=self.display_name,
                )
            )

    @api.constrains("ring_seconds", "days")
    def _check_numbers(self):
        for record in self:
            seconds = record.ring_seconds
            if seconds and seconds < LEAST_RING_SECONDS:
                raise ValidationError(
                    self.env._("Enter 0 seconds, or at least %s.", LEAST_RING_SECONDS)
                )
            if record.target == "last_agent" and record.days < 1:
                raise ValidationError(self.env._("Enter at least one day."))

    def _plain_target(self):
        """Return it as a :class:`~...telephony.routing.Target`."""
        self.ensure_one()
        return routing.Target(
            target=self.target,
            user_id=self.user_id.id or None,
            extension_id=self.extension_id.id or None,
            team_id=self.team_id.id or None,
            menu_id=self.menu_id.id or None,
            pbx_target=self.pbx_target or "",
            sound=self.sound or "",
            days=self.days,
            ring_seconds=self.ring_seconds,
            label=self._target_label(),
        )

    def _target_label(self):
        """Return what it leads to is called, ``""`` where the caller decides that."""
        return {
            "user": self.user_id.name,
            "team": self.team_id.name,
            "extension": self.extension_id.number,
            "pbx": self.pbx_target,
            "menu": self.menu_id.name,
        }.get(self.target) or ""

    def _target_sentence(self):
        """Return where it leads, as words in the reader's language."""
        self.ensure_one()
        words = dict(self._fields["target"]._description_selection(self.env))
        label = self._target_label()
        sentence = f"{words[self.target]}: {label}" if label else words[self.target]
        if self.target == "team" and not label:
            sentence = self.env._("The line's sales team")
        if self.target == "last_agent":
            sentence = self.env._(
                "%(who)s, in the last %(days)s days", who=sentence, days=self.days
            )
        if self.target in RINGING and self.ring_seconds:
            sentence = self.env._(
                "%(target)s, for %(seconds)s s",
                target=sentence,
                seconds=self.ring_seconds,
            )
        return sentence
