"""The figures on the screen: filtered, opened, and come back to."""

from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from .common import PbxHttpCase
from .test_figures import FiguresCase


@tagged("post_install", "-at_install")
class TestOverviewTour(FiguresCase, PbxHttpCase):
    # The first page builds the browser's files; on a busy machine others wait for it.
    test_cursor_lock_timeout = 60

    def test_an_agent_looks_at_the_figures(self):
        now = fields.Datetime.now() - timedelta(minutes=10)
        self.call(now, user_id=self.anna.id, talk_seconds=60)
        for place in (1, 2):
            self.call(
                now,
                -place,
                outcome="missed",
                number=f"+44207946021{place}",
                participant_ids=[(4, self.anna.id)],
            )
        self.call(now, -3, direction="outbound", user_id=self.anna.id)
        # Not hers, and too long ago.
        self.call(now, -4, user_id=self.boris.id)
        self.call(now - timedelta(days=40), user_id=self.anna.id)
        self.start_tour("/odoo/calls", "cloud_pbx_figures", login=self.anna.login)
        self.env.invalidate_all()
        favourite = self.env["ir.filters"].search([("name", "=", "Who calls us")])
        self.assertEqual(favourite.model_id, "pbx.call")
        action = self.env.ref("cloud_pbx.pbx_figures_action")
        self.assertEqual(favourite.action_id.id, action.id)
