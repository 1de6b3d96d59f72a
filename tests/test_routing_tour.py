"""A rule on the screen: made, tried, and seen deciding."""

from odoo.tests import tagged

from .test_routing import RoutingCase


@tagged("post_install", "-at_install")
class TestRoutingTour(RoutingCase):
    # The first page builds the browser's files; on a busy machine others wait for it.
    test_cursor_lock_timeout = 60

    def test_rule_is_made_tried_and_seen_deciding(self):
        self.start_tour("/odoo/calls", "cloud_pbx_routing", login=self.supervisor.login)
        self.env.invalidate_all()
        route = self.env["pbx.route"].search([("company_id", "=", self.company.id)])
        self.assertEqual(route.user_id, self.anna)
        self.assertFalse(self.calls(), "trying makes no call")
        self.assertEqual(self.ask(), self.to("100", 20))
        url = f"/odoo/calls/{self.call_of().id}"
        self.start_tour(url, "cloud_pbx_routed_call", login=self.supervisor.login)
