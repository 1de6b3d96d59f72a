"""The searches of our lists: every filter works, and finds what it says."""

from lxml import etree

from odoo.tests import freeze_time, tagged
from odoo.tools.safe_eval import safe_eval

from .common import CALLER, LINE
from .test_views import ViewCase

# One number, as people type and paste it, whole and in part.
STYLES = (
    "+44 20 7946 0201",
    "+442079460201",
    "442079460201",
    "020 7946 0201",
    "0044 20 79460201",
    "(020) 7946-0201",
    "+44 (0)20 7946 0201",
    "7946 0201",
    "79460201",
    "460201",
)


@tagged("post_install", "-at_install")
class TestSearch(ViewCase):
    """The filters of the lists, and what is found by them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ours = [("provider_id", "=", cls.provider.id)]
        cls.searches = cls.views.filtered(lambda view: view.type == "search")

    def found(self, name, user=None):
        """Return the calls a filter of the list finds for ``user``."""
        arch = self.arch("pbx_call_view_search", user)
        [node] = arch.xpath(f"//filter[@name='{name}']")
        user = user or self.admin
        domain = safe_eval(node.get("domain"), {"uid": user.id})
        return self.env["pbx.call"].with_user(user).search(self.ours + domain)

    def test_every_filter_and_grouping_works(self):
        self.assertEqual(len(self.searches), 6)
        for view in self.searches:
            users = (self.admin,)
            if view.model == "pbx.call":
                users = (self.anna, self.supervisor, self.admin)
            for user in users:
                with self.subTest(view.xml_id, user=user.name):
                    self.try_search(view, user)

    def try_search(self, view, user):
        model = self.env[view.model].with_user(user)
        arch = etree.fromstring(model.get_view(view.id, "search")["arch"])
        for node in arch.iter("filter"):
            if domain := node.get("domain"):
                model.search(safe_eval(domain, {"uid": user.id}), limit=1)
            if context := node.get("context"):
                group = safe_eval(context)["group_by"]
                model.formatted_read_group([], [group], ["__count"])
            if date := node.get("date"):
                model.formatted_read_group([], [f"{date}:month"], ["__count"])
        for node in arch.iter("field"):
            name, domain = node.get("name"), node.get("filter_domain")
            if domain:
                model.search(safe_eval(domain, {"self": "abc"}), limit=1)
            else:
                operator = node.get("operator") or "ilike"
                model.search([(name, operator, "abc")], limit=1)

    def test_filters_find_what_they_say(self):
        partner = self.new_partner()
        self.tell("answered", caller=CALLER, extension="100")
        self.tell("missed", caller="+442079460777", extension="101")
        self.tell("withheld", extension="101")
        self.tell("outbound", caller=CALLER, extension="101")
        self.tell("extension_to_extension", extension="100", to_extension="101")
        answered, missed, withheld, outbound, internal = self.calls()
        self.assertEqual(self.found("missed"), missed)
        self.assertEqual(self.found("unknown"), missed + withheld)
        self.assertEqual(self.found("inbound"), answered + missed + withheld)
        self.assertEqual(self.found("outbound"), outbound)
        self.assertEqual(self.found("internal"), internal)
        self.assertEqual(self.found("mine", self.anna), answered + internal)
        self.assertEqual(answered.partner_id, partner)
        self.assertFalse(self.found("today"))
        self.assertFalse(self.found("open"))

    def test_today_is_the_readers_day(self):
        # Half an hour before midnight in Auckland, and in the afternoon in London.
        half_past = "2026-06-16 12:30:00"
        call = self.tell(
            "answered", caller=CALLER, extension="100", call_start=half_past
        )
        self.admin.tz = "Pacific/Auckland"
        with freeze_time("2026-06-16 11:59:00"):
            self.assertEqual(self.found("today"), call)
        with freeze_time("2026-06-16 12:01:00"):
            self.assertFalse(self.found("today"), "there it is tomorrow already")
        self.supervisor.tz = "Europe/London"
        with freeze_time("2026-06-16 12:01:00"):
            self.assertEqual(self.found("today", self.supervisor), call)

    def test_a_number_is_found_in_any_style(self):
        call = self.tell("answered", caller=CALLER, line=LINE, extension="100")
        self.tell("answered", caller="+33199005501", line=LINE, extension="100")
        for user in (self.anna, self.supervisor):
            calls = self.env["pbx.call"].with_user(user).with_company(self.company)
            for field in ("display_name", "number_readable"):
                for typed in STYLES:
                    with self.subTest(field, typed=typed, user=user.name):
                        found = calls.search(self.ours + self.typed(field, typed, user))
                        self.assertEqual(found, call)
            by_line = self.typed("line", "020 7946 0900", user)
            self.assertEqual(len(calls.search(self.ours + by_line)), 2)

    def typed(self, field, text, user):
        """Return the domain of what ``user`` types and searches in a field."""
        arch = self.arch("pbx_call_view_search", user)
        [node] = arch.xpath(f"//field[@name='{field}']")
        domain = node.get("filter_domain")
        if not domain:
            return [(field, node.get("operator") or "ilike", text)]
        return safe_eval(domain, {"self": text})

    def test_caller_is_found_by_the_name_of_the_contact_or_the_lead(self):
        self.new_partner()
        known = self.tell("answered", caller=CALLER, extension="100")
        lead = self.env["crm.lead"].create({"name": "Offer", "user_id": self.anna.id})
        other = self.tell("missed", caller="+442079460777", extension="100") - known
        other.lead_id = lead
        calls = self.env["pbx.call"].with_user(self.anna)
        for typed, expected in (("petrova", known), ("offer", other)):
            domain = self.typed("display_name", typed, self.anna)
            self.assertEqual(calls.search(self.ours + domain), expected)
