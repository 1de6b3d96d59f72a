"""Activities for the administrator: one of each kind at a time."""

from odoo import models

KINDS = ("keys", "balance", "silence")


class PbxProvider(models.Model):
    _name = "pbx.provider"
    _inherit = ["pbx.provider", "mail.thread", "mail.activity.mixin"]

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

    def _remind(self, kind, note):
        """Have the administrator see to it; nothing, while that is open already.

        :param str kind: of ``KINDS``.
        """
        xml_id = f"cloud_pbx.activity_type_{kind}"
        if not self.activity_search([xml_id]):
            self.activity_schedule(xml_id, note=note, user_id=self._administrator().id)

    def _forget_reminder(self, kind):
        """It is settled: the activity, if there is one, goes."""
        xml_id = f"cloud_pbx.activity_type_{kind}"
        if self.activity_search([xml_id]):
            self.activity_unlink([xml_id])
