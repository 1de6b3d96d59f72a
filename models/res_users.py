from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .tools.memory import forget

# What a user may change in “My Preferences”.
OWN_PREFERENCES = [
    "pbx_open_contact",
    "pbx_sound",
    "pbx_do_not_disturb",
    "pbx_card_side",
    "pbx_log_calls",
    "pbx_dial_extension_id",
    "pbx_deputy_id",
]


class ResUsers(models.Model):
    _inherit = "res.users"

    pbx_extension_ids = fields.Many2many(
        "pbx.extension",
        "pbx_extension_res_users_rel",
        "user_id",
        "extension_id",
        string="Internal numbers",
        help="The phones of this user. Takes effect at once, without a new login.",
    )
    pbx_open_contact = fields.Selection(
        [
            ("never", "Never"),
            ("ring", "When the phone rings"),
            ("answer", "When the call is answered"),
        ],
        string="Open the caller's contact",
        default="never",
        required=True,
    )
    pbx_sound = fields.Boolean(
        string="Ring in the browser", default=True, help="In addition to the phone."
    )
    pbx_do_not_disturb = fields.Boolean(
        string="Do not disturb",
        help="No card and no sound in Odoo. The phone rings as before, and missed "
        "calls are counted.",
    )
    pbx_card_side = fields.Selection(
        [("left", "Left"), ("right", "Right")],
        string="Cards of calls",
        default="left",
        required=True,
        help="At which side of the page they are shown.",
    )
    pbx_log_calls = fields.Boolean(
        string="Note my calls in the chatter",
        help="When a call is over, a note at its lead, or else at its contact, says "
        "how it went and what you wrote about it.",
    )
    pbx_dial_extension_id = fields.Many2one(
        "pbx.extension",
        string="Dial with",
        ondelete="set null",
        domain="[('user_ids', 'in', [id])]",
        help="Which of several phones rings first when a number is dialled. Empty: one "
        "that is connected.",
    )

    pbx_deputy_id = fields.Many2one(
        "res.users",
        string="Deputy",
        ondelete="set null",
        domain="[('share', '=', False), ('id', '!=', id), "
        "('company_ids', 'in', company_id)]",
        help="Who stands in while you are away: gets the calls that routing rules "
        "would send to you.",
    )

    pbx_lacks_rights = fields.Boolean(
        string="Phone without rights",
        compute="_compute_pbx_lacks_rights",
        exportable=False,
    )

    pbx_earlier_calls = fields.Char(
        compute="_compute_pbx_earlier_calls",
        groups="base.group_system",
        exportable=False,
    )

    @api.depends("pbx_extension_ids.user_ids")
    def _compute_pbx_earlier_calls(self):
        for user in self:
            questions = user.pbx_extension_ids.mapped("earlier_call_question")
            user.pbx_earlier_calls = "\n".join(filter(None, questions)) or False

    def action_pbx_give_earlier_calls(self):
        """Open the internal numbers of this user that have calls without a user."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "cloud_pbx.pbx_extension_action"
        )
        phones = self.pbx_extension_ids.filtered("earlier_call_question")
        if len(phones) == 1:
            form = [(False, "form")]
            return {**action, "res_id": phones.id, "view_mode": "form", "views": form}
        return {**action, "domain": [("id", "in", phones.ids)]}

    @api.depends("pbx_extension_ids", "group_ids")
    def _compute_pbx_lacks_rights(self):
        agents = self.env.ref("cloud_pbx.group_pbx_user")
        for user in self:
            user.pbx_lacks_rights = (
                bool(user.pbx_extension_ids) and agents not in user.all_group_ids
            )

    def action_pbx_make_agent(self):
        """Make these users agents: they see the calls of their phones.

        Under the rights of who asks: groups are given by who may give them.
        """
        agents = self.env.ref("cloud_pbx.group_pbx_user")
        self.write({"group_ids": [fields.Command.link(agents.id)]})
        return True

    @api.constrains("pbx_deputy_id", "company_id")
    def _check_pbx_deputy(self):
        for user in self:
            # sudo: in which companies the colleague works, nothing else
            deputy_sudo = user.sudo().pbx_deputy_id
            if deputy_sudo == user:
                raise ValidationError(self.env._("Nobody is their own deputy."))
            if deputy_sudo.share:
                raise ValidationError(
                    self.env._("%s is no internal user.", deputy_sudo.name)
                )
            if deputy_sudo and user.company_id not in deputy_sudo.company_ids:
                raise ValidationError(
                    self.env._(
                        "%(deputy)s does not work for %(company)s.",
                        deputy=deputy_sudo.name,
                        company=user.company_id.name,
                    )
                )

    @api.constrains("pbx_extension_ids")
    def _check_pbx_extensions(self):
        for user in self:
            # A phone does not read guests among its users.
            if user.share and user.pbx_extension_ids:
                raise ValidationError(self.env._("%s is no internal user.", user.name))

    @property
    def SELF_READABLE_FIELDS(self):
        return super().SELF_READABLE_FIELDS + ["pbx_extension_ids", *OWN_PREFERENCES]

    @property
    def SELF_WRITEABLE_FIELDS(self):
        return super().SELF_WRITEABLE_FIELDS + OWN_PREFERENCES

    @api.model
    def _get_invalidation_fields(self):
        # Workers keep in memory who is away, who stands in, and which phone rings.
        return super()._get_invalidation_fields() | {
            "out_of_office_from",
            "out_of_office_to",
            "pbx_deputy_id",
            "pbx_dial_extension_id",
        }

    @api.model_create_multi
    def create(self, vals_list):
        users = super().create(vals_list)
        with_phone = users.filtered("pbx_extension_ids")
        if with_phone:
            self.env["pbx.assignment"]._update_of_users(with_phone)
            self.env["pbx.extension"]._forget_who_has_phones()
        # Workers keep in memory who wishes notes, and who is an agent.
        forget(self.env)
        self.env["pbx.notifier"]._phones_changed(with_phone)
        return users

    def write(self, vals):
        providers = self.env["pbx.provider"].sudo()
        if "pbx_extension_ids" in vals:
            providers = self.sudo().pbx_extension_ids.provider_id
        result = super().write(vals)
        if {"pbx_extension_ids", "active"}.intersection(vals):
            # An archived user has no phone.
            self.env["pbx.assignment"]._update_of_users(self)
        if {"pbx_extension_ids", "active", "group_ids"}.intersection(vals):
            # sudo: the check list of the cloud PBX follows, whoever changed it
            providers |= self.sudo().pbx_extension_ids.provider_id
            providers._update_users_step()
        if {"out_of_office_from", "out_of_office_to"}.intersection(vals):
            self.env["pbx.notifier"]._wallboard_changed()
        if "pbx_log_calls" in vals:
            # Workers keep in memory who wishes so.
            forget(self.env)
        if "pbx_extension_ids" in vals:
            self.env["pbx.extension"]._forget_who_has_phones()
            self.env["pbx.notifier"]._phones_changed(self)
        elif {"group_ids", *OWN_PREFERENCES}.intersection(vals):
            # The browsers of users without a phone show nothing of it.
            self.env["pbx.notifier"]._phones_changed(self.filtered("pbx_extension_ids"))
        return result
