from odoo import api, fields, models

# What a user may change in “My Preferences”.
OWN_PREFERENCES = [
    "pbx_open_contact",
    "pbx_sound",
    "pbx_do_not_disturb",
    "pbx_card_side",
    "pbx_dial_extension_id",
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
    pbx_dial_extension_id = fields.Many2one(
        "pbx.extension",
        string="Dial with",
        ondelete="set null",
        domain="[('user_ids', 'in', [id])]",
        help="Which of several phones rings first when a number is dialled. Empty: one "
        "that is connected.",
    )

    pbx_lacks_rights = fields.Boolean(
        string="Phone without rights", compute="_compute_pbx_lacks_rights"
    )

    @api.depends("pbx_extension_ids", "group_ids")
    def _compute_pbx_lacks_rights(self):
        agents = self.env.ref("cloud_pbx.group_pbx_user")
        for user in self:
            user.pbx_lacks_rights = (
                bool(user.pbx_extension_ids) and agents not in user.all_group_ids
            )

    @property
    def SELF_READABLE_FIELDS(self):
        return super().SELF_READABLE_FIELDS + ["pbx_extension_ids", *OWN_PREFERENCES]

    @property
    def SELF_WRITEABLE_FIELDS(self):
        return super().SELF_WRITEABLE_FIELDS + OWN_PREFERENCES

    @api.model_create_multi
    def create(self, vals_list):
        users = super().create(vals_list)
        with_phone = users.filtered("pbx_extension_ids")
        if with_phone:
            self.env["pbx.extension"]._forget_who_has_phones()
        self.env["pbx.notifier"]._phones_changed(with_phone)
        return users

    def write(self, vals):
        result = super().write(vals)
        if "pbx_extension_ids" in vals:
            self.env["pbx.extension"]._forget_who_has_phones()
            self.env["pbx.notifier"]._phones_changed(self)
        elif {"group_ids", *OWN_PREFERENCES}.intersection(vals):
            # The browsers of users without a phone show nothing of it.
            self.env["pbx.notifier"]._phones_changed(self.filtered("pbx_extension_ids"))
        return result
