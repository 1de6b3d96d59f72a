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

    def test_lines_as_groups(self):
        """By their name and number, and each group has its calls."""
        other, withheld = "+442079460901", "+442079460902"
        lines = self.env["pbx.line"]
        values = {"provider_id": self.provider.id}
        lines.search([("number", "in", [LINE, other])]).unlink()
        lines.create({**values, "number": LINE, "name": "Support"})
        lines.create({**values, "number": other, "name": "Old", "active": False})
        calls = [
            self.tell("answered", pbx_call_id=f"in_{n}", line=line)[-1]
            for n, line in enumerate((LINE, other, withheld, LINE))
        ]
        model = self.env["pbx.call"].with_user(self.supervisor)
        mine = [("id", "in", [call.id for call in calls])]
        groups = model.formatted_read_group(mine, ["line"], ["__count"])
        self.assertEqual(
            {group["line"]: group["__count"] for group in groups},
            {
                "Support (+44 20 7946 0900)": 2,
                "Old (+44 20 7946 0901)": 1,
                "+44 20 7946 0902": 1,
            },
        )
        for group in groups:
            found = model.search_count([*mine, *group["__extra_domain"]])
            self.assertEqual(found, group["__count"])
        result = model.web_read_group(mine, ["line"], ["__count"])
        self.assertIn("Support (+44 20 7946 0900)", str(result))

    def test_every_filter_and_grouping_works(self):
        self.assertGreaterEqual(len(self.searches), 8)
        for view in self.searches:
            users = (self.admin,)
            if view.model in ("pbx.call", "pbx.promise"):
                users = (self.anna, self.supervisor, self.admin)
            elif view.model == "crm.lead":
                users = (self.anna,)
            for user in users:
                with self.subTest(view.xml_id, user=user.name):
                    self.try_search(view, user)

    def try_search(self, view, user):
        model = self.env[view.model].with_user(user)
        arch = etree.fromstring(model.get_view(view.id, "search")["arch"])
        if view.inherit_id:
            # Of what is Odoo's own only that which we added.
            for node in arch.xpath("//*[not(starts-with(@name, 'pbx_'))]"):
                if node.tag in ("filter", "field"):
                    node.getparent().remove(node)
        for node in arch.iter("filter"):
            if domain := node.get("domain"):
                model.search(safe_eval(domain, {"uid": user.id}), limit=1)
            if group := safe_eval(node.get("context") or "{}").get("group_by"):
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
            by_line = self.typed("line_readable", "020 7946 0900", user)
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

    def quick(self, field, text, user=None):
        """Return the calls that ``user`` finds by a text in a field of the search."""
        user = user or self.anna
        calls = self.env["pbx.call"].with_user(user).with_company(self.company)
        return calls.search(self.ours + self.typed(field, text, user), order="id")

    def test_caller_is_found_by_the_name_that_the_lead_shows(self):
        """Also by agents who see the call, and its caller's name, but not the lead."""
        lead = self.env["crm.lead"].create(
            {
                "name": "Garden office",
                "contact_name": "Harriet Bell",
                "partner_name": "Bell & Sons",
                "phone": CALLER,
                "company_id": self.company.id,
                "user_id": self.boris.id,
            }
        )
        call = self.tell("answered", caller=CALLER, extension="100")
        self.tell("missed", caller="+442079460777", extension="100")
        self.assertEqual(call.lead_id, lead)
        agent = self.new_user("clara", "cloud_pbx.group_pbx_user")
        call.participant_ids += agent
        for user in (self.anna, agent, self.supervisor):
            with self.subTest(user.name):
                for text in ("Harriet Bell", "harriet", "bell"):
                    self.assertEqual(self.quick("display_name", text, user), call)
                [(_id, name)] = (
                    self.env["pbx.call"].with_user(user).name_search("Harriet Bell")
                )
                self.assertEqual(name, "Harriet Bell")
                self.assertFalse(self.quick("display_name", "Herriot", user))
        # What the call does not show is found under the lead's own rules.
        for text in ("Bell & Sons", "Garden office"):
            self.assertFalse(self.quick("display_name", text, agent), text)
        supervisor = self.supervisor
        supervisor.group_ids += self.env.ref("sales_team.group_sale_salesman_all_leads")
        self.assertEqual(self.quick("display_name", "Garden", supervisor), call)
        for emptied, shown in (
            ("contact_name", "Bell & Sons"),
            ("partner_name", "Garden office"),
        ):
            lead[emptied] = False
            self.assertEqual(call.display_name, shown)
            self.assertEqual(self.quick("display_name", shown, agent), call)

    def test_a_digit_in_a_name_is_no_number(self):
        self.new_partner("Olga 2")
        call = self.tell("answered", caller=CALLER, extension="100")
        self.tell("missed", caller="+442079460777", extension="100")
        self.assertEqual(self.quick("display_name", "Olga 2"), call)
        self.assertFalse(self.quick("number_readable", "Olga 2"))

    def test_a_number_is_read_in_the_countries_of_all_pbxs(self):
        german = self.tell("answered", caller="+4930901820", extension="100")
        self.assertEqual(self.quick("number_readable", "030 901820"), german)
        self.assertFalse(self.quick("number_readable", "8 30 901820"))
        self.new_provider(
            self.company, self.robot, "second", country_id=self.env.ref("base.ru").id
        )
        moscow = self.tell("missed", caller="+74951234567", extension="100") - german
        for text in ("8 (495) 123-45-67", "tel:+74951234567", "007 495 123 45 67"):
            self.assertEqual(self.quick("number_readable", text), moscow, text)

    def test_line_is_found_by_its_name(self):
        other = self.new_provider(self.company, self.robot, "second")
        lines = self.env["pbx.line"]
        for provider, number, name in (
            (self.provider, LINE, "Support"),
            (self.provider, "+442079460901", "Sales"),
            (other, "+442079460901", "Support"),
        ):
            lines += lines.create(
                {"provider_id": provider.id, "number": number, "name": name}
            )
        support = self.tell("answered", caller=CALLER, line=LINE, extension="100")
        self.tell("missed", caller=CALLER, line="+442079460901", extension="100")
        lines[0].active = False
        for text in ("Support", "supp"):
            self.assertEqual(self.quick("line_readable", text), support)
        self.assertFalse(self.quick("line_readable", "Reception"))
        self.assertEqual(
            [name for _id, name in lines.name_search("Sales")],
            ["Sales (+44 20 7946 0901)"],
        )

    def test_internal_number(self):
        """Whichever part it had, entered or not, by number, name, or both."""
        self.extension_2.name = "Reception"
        both = self.tell("ring_group", extensions=("100", "101"), extension="100")
        only = self.tell("missed", extension="101") - both
        unknown = self.tell("missed", extension="777") - both - only
        for text, expected in (
            ("101", both + only),
            ("Reception", both + only),
            ("101 Reception", both + only),
            ("100", both),
            ("777", unknown),
            ("999", both.browse()),
        ):
            with self.subTest(text):
                found = self.quick("extension_id", text, self.supervisor)
                self.assertEqual(found, expected.sorted("id"))

    def test_legs_are_found_like_their_calls(self):
        self.extension_2.name = "Reception"
        self.env["pbx.line"].create(
            {"provider_id": self.provider.id, "number": LINE, "name": "Support"}
        )
        self.new_partner()
        known = self.tell("ring_group", extensions=("100", "101"), extension="100")
        self.tell("missed", caller="+442079460777", line="", extension="777")
        arch = etree.fromstring(
            self.env["pbx.call.leg"]
            .with_user(self.supervisor)
            .get_view(self.env.ref("cloud_pbx.pbx_call_leg_view_search").id, "search")[
                "arch"
            ]
        )
        domains = {
            node.get("string") or node.get("name"): node.get("filter_domain")
            for node in arch.iter("field")
        }
        legs = self.env["pbx.call.leg"].with_user(self.supervisor)
        for field, text, numbers in (
            ("Caller or number", "petrova", ["100", "101"]),
            ("Caller or number", "020 7946 0201", ["100", "101"]),
            ("Line", "Support", ["100", "101"]),
            ("number", "101 Reception", ["101"]),
            ("number", "777", ["777"]),
        ):
            with self.subTest(field, text=text):
                domain = safe_eval(domains[field], {"self": text})
                found = legs.search(self.ours + domain, order="number")
                self.assertEqual(found.mapped("number"), numbers)
        self.assertEqual(len(known), 1)
