"""The tests of our widgets, in a browser; Odoo's own suites are not run."""

from odoo.tests import HttpCase, tagged

from odoo.addons.web.tests.test_js import unit_test_error_checker


def suite_id(name):
    """Return the id by which Hoot knows a suite, as its ``generateHash`` makes it."""
    number = 0
    for char in name:
        number = ((number << 5) - number + ord(char)) & 0xFFFFFFFF
    return f"{number:08x}"


@tagged("post_install", "-at_install")
class TestHoot(HttpCase):
    def run_hoot(self, preset):
        # A suite that does not exist would run all of Odoo's: hence the short time.
        self.browser_js(
            f"/web/tests?headless&loglevel=2&preset={preset}&timeout=30000"
            f"&id={suite_id('@cloud_pbx')}",
            "",
            "",
            login="admin",
            timeout=600,
            success_signal="[HOOT] Test suite succeeded",
            error_checker=unit_test_error_checker,
        )

    def test_widgets(self):
        self.run_hoot("desktop")
