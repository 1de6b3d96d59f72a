"""What a person sees: every view for every role."""

from lxml import etree

from odoo.models import MAGIC_COLUMNS
from odoo.tests import Form, tagged
from odoo.tools.safe_eval import safe_eval

from .common import CALLER, PbxCase

ACTIONS = (
    "pbx_promise_action",
    "pbx_promise_report_action",
    "pbx_call_action",
    "pbx_call_report_action",
    "pbx_extension_action",
    "pbx_provider_action",
    "pbx_event_action",
)
# The seed's form of a cloud PBX, and what it needs besides.
PROVIDER_FIELDS = (
    "code",
    "name",
    "company_id",
    "user_id",
    "server_url",
    "external_url",
    "port",
    "account",
    "login",
    "api_key",
    "api_secret",
    "dialect",
    "keep_log",
    "lookup_on_answer",
    "notify_start",
    "notify_internal",
    "notify_answer",
    "notify_end",
    "notify_out_start",
    "notify_out_end",
    "country_id",
    "tz",
    "utc_offset",
    "state",
    "last_event_at",
    "recording_mode",
    "last_error",
    "balance",
    "webhook_url",
)
# What the menus of filters offer, besides what Odoo offers of any record.
OFFERED = {
    "pbx.call": """
        answer called_back campaign_id company_id corrected direction disposition
        extension_id from_history is_blocked is_my_customer is_new_caller is_spam
        lead_id leg_ids line_id line_readable medium_id note number_readable outcome
        participant_ids partner_id partner_source promise_id promise_part provider_id
        recording_ids ref route_code route_id routed_to source_id start state stop
        tag_ids talk_seconds team_id to_call_back user_id wait_seconds""",
    "pbx.call.leg": """
        answer call_id direction extension_id number outcome partner_id phone_number
        provider_id rang_seconds result start stop user_id user_ids""",
    "pbx.recording": "call_id company_id error provider_id ref size start state",
    "pbx.promise": """
        attempts call_ids closed_at closed_by_id closed_call_id company_id deadline
        dismiss_reason escalated_at escalated_user_id first_call_id in_time
        last_attempt_at last_try_at lead_id line_id note number_readable opened_at
        overdue participant_ids partner_id provider_id state team_id tries user_id
        user_source""",
    "pbx.provider": """
        account active asterisk_context asterisk_dial_format asterisk_dial_prefix
        asterisk_recordings asterisk_ring_seconds asterisk_technology asterisk_trunks
        balance balance_threshold beeline_expires beeline_sources
        beeline_statistics_unit beeline_subscription_type check_ids code company_id
        connected_at country_id dialect extension_ids external_url former_url_ids
        general_limit history_ids keep_log last_error line_ids log_days login
        lookup_on_answer name notify_answer notify_end notify_internal notify_out_end
        notify_out_start notify_start open_call_hours port recording_days
        recording_max_mb recording_mode refreshed_at request_ids server_url
        silence_minutes state statistics_limit tz user_id utc_offset""",
    "pbx.extension": """
        caller_id checked_at company_id login name number pbx_name provider_id status
        user_ids""",
    "pbx.line": """
        active calendar_id campaign_id closed_sound closed_target company_id from_pbx
        lead_policy medium_id name number pbx_name provider_id source_id team_id
        user_id""",
    "res.partner": "pbx_call_ids",
    "crm.lead": "pbx_call_id pbx_call_ids pbx_line_id",
    "res.users": """
        pbx_call_ids pbx_card_side pbx_deputy_id pbx_dial_extension_id
        pbx_do_not_disturb pbx_extension_ids pbx_log_calls pbx_open_contact
        pbx_sound""",
}
SECRETS = {"api_key", "api_secret", "webhook_token", "webhook_url"}


class ViewCase(PbxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = cls.new_user(
            "chief", "base.group_system,cloud_pbx.group_pbx_manager"
        )
        cls.clerk = cls.new_user("clerk", "base.group_user,base.group_partner_manager")
        cls.views = cls.env["ir.ui.view"].browse(
            cls.env["ir.model.data"]
            .search([("module", "=", "cloud_pbx"), ("model", "=", "ir.ui.view")])
            .mapped("res_id")
        )

    def arch(self, xml_id, user=None):
        """Return a view as the browser of ``user`` gets it."""
        view = self.env.ref(f"cloud_pbx.{xml_id}")
        model = self.env[view.model].with_user(user or self.admin)
        return etree.fromstring(model.get_view(view.id, view.type)["arch"])

    def form(self, record, user):
        """Open a record in its form, as ``user``."""
        return Form(record.with_user(user).with_company(self.company))


@tagged("post_install", "-at_install")
class TestViews(ViewCase):
    def test_every_action_opens_for_those_who_see_its_menu(self):
        roles = {
            "pbx_call_action": (self.anna, self.supervisor, self.admin),
            "pbx_promise_action": (self.anna, self.supervisor, self.admin),
            "pbx_promise_report_action": (self.supervisor, self.admin),
            "pbx_call_report_action": (self.supervisor, self.admin),
        }
        for name in ACTIONS:
            action = self.env.ref(f"cloud_pbx.{name}")
            kinds = action.view_mode.split(",")
            for user in roles.get(name, (self.admin,)):
                with self.subTest(name, user=user.name):
                    model = self.env[action.res_model].with_user(user)
                    got = model.get_views(
                        [(False, kind) for kind in kinds]
                        + [(action.search_view_id.id, "search")]
                    )
                    self.assertEqual(set(got["views"]), {*kinds, "search"})
                    own = got["views"]["form"]["id"]
                    self.assertIn(own, self.views.ids, "a view of ours, not a default")

    def test_calls_have_a_view_for_each_way_to_look_at_them(self):
        action = self.env.ref("cloud_pbx.pbx_call_action")
        self.assertEqual(action.path, "calls")
        for kind in ("list", "kanban", "form", "pivot", "graph", "activity"):
            self.assertIn(kind, action.view_mode.split(","))
            self.assertTrue(
                self.views.filtered(
                    lambda view, kind=kind: (
                        view.model == "pbx.call" and view.type == kind
                    )
                ),
                kind,
            )

    def test_menus_of_each_role(self):
        expected = {
            self.anna: {"Call-backs", "Calls", "Reporting", "Overview"},
            self.supervisor: {
                *("Call-backs", "Calls", "Reporting", "Who missed"),
                *("Overview", "Wallboard"),
                *("Configuration", "Lines", "Cloud PBXs"),
                *("Routing", "Menus", "Blocked numbers", "Tags"),
            },
            self.admin: {
                "Call-backs",
                "Calls",
                "Reporting",
                "Overview",
                "Wallboard",
                "Who missed",
                "Configuration",
                "Lines",
                *("Routing", "Menus", "Blocked numbers", "Tags"),
                "Settings",
                "Internal numbers",
                "Cloud PBXs",
                "Inbox",
                "Requests",
                "Past calls",
                "Erase a number",
            },
            self.clerk: None,
        }
        root = self.env.ref("cloud_pbx.pbx_menu_root")
        for user, names in expected.items():
            with self.subTest(user.name):
                menus = self.env["ir.ui.menu"].with_user(user).load_menus(False)
                if names is None:
                    self.assertNotIn(root.id, menus)
                    continue
                below, waiting = set(), list(menus[root.id]["children"])
                while waiting:
                    menu = menus[waiting.pop()]
                    below.add(menu["name"])
                    waiting += menu["children"]
                self.assertEqual(below, names)
        self.assertTrue(root.web_icon_data, "the app has its icon")

    def test_forms_of_others_open_with_and_without_our_rights(self):
        partner = self.new_partner()
        self.tell("answered", caller=CALLER, extension="100")
        for user, expected in ((self.anna, True), (self.clerk, False)):
            with self.subTest(user.name):
                with self.form(partner, user) as form:
                    self.assertEqual("pbx_call_count" in form._view["fields"], expected)
                    form.comment = "Seen"
        with self.form(partner, self.anna) as form:
            self.assertEqual(form.pbx_call_count, 1)
            self.assertEqual(len(form.pbx_last_call_ids), 1)
        lead = self.env["crm.lead"].create({"name": "Offer", "user_id": self.anna.id})
        with self.form(lead, self.anna) as form:
            self.assertEqual(form.pbx_call_count, 0)

    def test_user_form_gives_a_phone_and_preferences_show_it(self):
        with Form(self.boris.with_user(self.admin), "base.view_users_form") as form:
            form.pbx_extension_ids.add(self.extension)
        self.assertEqual(
            self.boris.pbx_extension_ids, self.extension + self.extension_2
        )
        preferences = "base.view_users_form_simple_modif"
        own = Form(self.boris.with_user(self.boris), preferences)
        self.assertEqual(
            own.pbx_extension_ids.ids, (self.extension + self.extension_2).ids
        )

    def test_views_are_of_this_version(self):
        for view in self.views:
            with self.subTest(view.xml_id):
                arch = etree.fromstring(view.arch_db)
                for node in arch.iter(etree.Element):
                    self.assertNotIn(node.tag, ("tree", "openerp"))
                    self.assertFalse({"attrs", "states"}.intersection(node.attrib))
                    if view.type == "search" and node.tag == "group":
                        self.assertFalse({"expand", "string"}.intersection(node.attrib))
                    if node.tag == "t":
                        self.assertNotEqual(node.get("t-name"), "kanban-box")

    def test_seconds_are_never_shown_as_a_bare_number(self):
        found = 0
        for view in self.views:
            arch = etree.fromstring(view.arch_db)
            for node in arch.xpath("//field[@name='talk_seconds']") + arch.xpath(
                "//field[@name='wait_seconds']"
            ):
                found += 1
                self.assertEqual(node.get("widget"), "pbx_duration", view.xml_id)
        self.assertGreater(found, 8)

    def test_menus_and_exports_offer_what_people_understand(self):
        """Our bookkeeping is in no menu of groups and filters, and in no export."""
        theirs = {*self.env["mail.thread"]._fields}
        theirs |= {*self.env["mail.activity.mixin"]._fields, *MAGIC_COLUMNS}
        offers = ("groupable", "searchable", "exportable")
        models = {
            action.res_model
            for action in self.env["ir.actions.act_window"].search([])
            if action.res_model.startswith("pbx.")
        }
        self.assertGreater(len(models), 5)
        for model in models:
            described = self.env[model].with_user(self.admin).fields_get()
            for name in described.keys() - theirs:
                if not any(described[name].get(offer) for offer in offers):
                    continue
                words = name.removesuffix("_ids").removesuffix("_id").split("_")
                guessed = " ".join(words).title()
                with self.subTest(model, name=name):
                    # One word is a word; of several, Odoo made a technical label.
                    self.assertTrue(
                        len(words) == 1 or described[name]["string"] != guessed
                    )

    def test_custom_filters_and_groups_offer_these_fields_and_no_others(self):
        shared = {*self.env["mail.thread"]._fields, "id", "display_name"}
        shared |= {*self.env["mail.activity.mixin"]._fields, *MAGIC_COLUMNS}
        for model, names in OFFERED.items():
            described = self.env[model].with_user(self.admin).fields_get()
            own = {
                name: one
                for name, one in described.items()
                if name not in shared
                and (model.startswith("pbx.") or name.startswith("pbx_"))
            }
            filters = {name for name, one in own.items() if one["searchable"]}
            groups = {name for name, one in own.items() if one.get("groupable")}
            exports = {name for name, one in own.items() if one["exportable"]}
            with self.subTest(model):
                self.assertEqual(filters, set(names.split()))
                # By the number itself, which is searched for in any style.
                self.assertLessEqual(groups - filters, {"number"})
                for offered in (filters, groups, exports):
                    labels = [own[name]["string"] for name in offered]
                    self.assertEqual(len(set(labels)), len(labels), sorted(labels))

    def test_the_bookkeeping_of_calls_is_not_offered(self):
        own = {
            *("own_leg_only", "clicked_at", "then_dial", "user_picked", "lead_picked"),
            *("res_model", "res_id", "last_event_at", "has_candidates", "can_claim"),
        }
        calls = self.env["pbx.call"].with_user(self.supervisor)
        # What the windows of filters and of the export ask for.
        fields = calls.fields_get()
        # What the browser gets with the views.
        views = calls.get_views([(False, "list"), (False, "search")])
        for name in own:
            for offer in ("searchable", "exportable"):
                self.assertFalse(fields[name].get(offer, False), (name, offer))
            shown = views["models"]["pbx.call"]["fields"].get(name, {})
            self.assertFalse(shown.get("groupable"), name)
        shown = views["models"]["pbx.call"]["fields"]
        self.assertIn("own_leg_only", shown, "Odoo sends all by which it can group")
        self.assertTrue(shown["outcome"]["groupable"])
        self.assertTrue(fields["outcome"]["searchable"])
        # Code finds by them as before.
        self.assertFalse(self.env["pbx.call"].search([("own_leg_only", "=", True)]))

    def test_calls_can_be_called_from_lists_and_cards(self):
        """On a small screen the list is cards."""
        for name in ("call_view_list", "call_view_kanban"):
            with self.subTest(name):
                arch = self.arch(f"pbx_{name}")
                [node] = arch.xpath("//field[@name='number_readable']")
                self.assertEqual(node.get("widget"), "phone")
        for name in ("promise_view_list", "promise_view_kanban"):
            with self.subTest(name):
                [button] = self.arch(f"pbx_{name}").xpath(
                    "//button[@name='action_call_back']"
                )
                self.assertEqual(button.get("invisible"), "state != 'open'")

    def test_an_export_of_calls_has_one_name_for_one_thing(self):
        fields = self.env["pbx.call"].with_user(self.supervisor).fields_get()
        offered = {n: one["string"] for n, one in fields.items() if one["exportable"]}
        self.assertLess({"start", "number_readable", "line_name"}, offered.keys())
        self.assertFalse({"number", "line"} & offered.keys())
        self.assertEqual(len(set(offered.values())), len(offered))
        for name in ("number_readable", "line_name"):
            [node] = self.arch("pbx_call_view_list").xpath(f"//field[@name='{name}']")
            self.assertEqual(node.get("string") or offered[name], offered[name])

    def test_every_field_of_the_cloud_pbx_is_on_its_form_with_its_help(self):
        self.admin.group_ids += self.env.ref("base.group_multi_company")
        arch = self.arch("pbx_provider_view_form")
        shown = {node.get("name") for node in arch.iter("field")}
        self.assertFalse(set(PROVIDER_FIELDS) - shown)
        fields = self.env["pbx.provider"].with_user(self.admin).fields_get()
        plain = {
            "state",
            "last_event_at",
            "last_error",
            "balance",
            "notify_start",
            "notify_internal",
            "notify_end",
            "notify_out_start",
            "notify_out_end",
        }
        for name in set(PROVIDER_FIELDS) - plain:
            self.assertTrue(fields[name].get("help"), name)
        for name in ("api_key", "api_secret"):
            for node in arch.xpath(f"//field[@name='{name}']"):
                self.assertEqual(node.get("password"), "True")
        # What one server type alone asks for is out of the way of the others.
        [node] = arch.xpath("//field[@name='account']")
        self.assertEqual(node.get("invisible"), "dialect not in ['beeline']")
        # And what one asks for is shown for that one alone.
        [node] = arch.xpath("//field[@name='login']")
        self.assertEqual(node.get("invisible"), "dialect not in ['asterisk']")

    def test_secrets_are_not_in_a_view_of_anybody_else(self):
        for user in (self.anna, self.supervisor):
            for kind in ("list", "form"):
                shown = {
                    node.get("name")
                    for node in self.arch(f"pbx_provider_view_{kind}", user).iter()
                }
                self.assertFalse(SECRETS & shown, (user.name, kind))

    def test_agent_writes_the_note_and_not_the_user(self):
        call = self.tell("answered", caller=CALLER, extension="100")
        with self.form(call, self.anna) as form:
            form.note = "Call back on Monday"
            with self.assertRaisesRegex(AssertionError, "readonly"):
                form.user_id = self.boris
        self.assertEqual(call.note, "Call back on Monday")
        with self.form(call, self.supervisor) as form:
            form.user_id = self.boris
        self.assertEqual(call.user_id, self.boris)

    def test_buttons_of_a_call_come_when_they_are_of_use(self):
        stranger = self.tell("missed", caller="+442079460777", extension="100")
        both = {"action_create_contact", "action_create_lead"}
        self.assertEqual(self.buttons(stranger), both)
        stranger.partner_id = self.new_partner("Nora", "020 7946 0777")
        self.assertEqual(self.buttons(stranger), {"action_create_lead"})
        # Two share the phone that spoke: who it was, only they know.
        self.extension.user_ids += self.boris
        shared = self.tell("answered", caller=CALLER, extension="100") - stranger
        self.assertEqual(self.buttons(shared), {*both, "action_claim"})
        missed = self.tell("missed", caller=CALLER, extension="100") - stranger - shared
        self.assertEqual(self.buttons(missed), both, "nobody spoke")
        new = self.tell("answered", caller=CALLER, extension="107") - self.calls()[:3]
        name = "action_create_extensions"
        self.assertNotIn(name, self.buttons(new, self.supervisor))
        self.assertIn(name, self.buttons(new, self.admin))

    def buttons(self, call, user=None):
        """Return the names of the buttons that a call's form shows in its header."""
        form = self.form(call, user or self.anna)
        return {
            node.get("name")
            for node in form._view["tree"].xpath("//header/button")
            if not safe_eval(node.get("invisible") or "False", dict(form._values))
        }
