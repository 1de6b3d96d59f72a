"""Call-backs where people see them: lists, dialogs, contacts, cards, settings."""

from datetime import timedelta

from lxml import etree

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools.safe_eval import safe_eval

from .common import CALLER
from .desk import FakeCall
from .test_promise import STRANGER, PromiseCase


@tagged("post_install", "-at_install")
class TestPromiseScreens(PromiseCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.anna.group_ids += cls.env.ref("sales_team.group_sale_salesman")

    def act(self, action, promises, user, **values):
        """Do what a dialog does: open it on these call-backs, fill in, confirm."""
        action = self.env.ref(f"cloud_pbx.{action}")
        context = safe_eval(action.context, {"active_ids": promises.ids})
        form = Form(self.env[action.res_model].with_user(user).with_context(**context))
        for name, value in values.items():
            setattr(form, name, value)
        done = form.save().action_apply()
        self.assertEqual(done["type"], "ir.actions.act_window_close")
        self.env.invalidate_all()

    # -------------------------------------------------------------------- the dialogs

    def test_spoken_with_another_way(self):
        self.lost()
        promise = self.the_promise()
        self.act("pbx_promise_spoken_action", promise, self.anna, note="By e-mail.")
        self.assertRecordValues(
            promise,
            [{"state": "kept", "note": "By e-mail.", "closed_by_id": self.anna.id}],
        )

    def test_several_are_dismissed_with_one_reason(self):
        self.lost()
        self.lost(caller=STRANGER)
        both = self.promises() + self.promises(STRANGER)
        self.act("pbx_promise_dismiss_action", both, self.anna, reason="spam")
        self.assertEqual(both.mapped("state"), ["dismissed"] * 2)
        self.assertEqual(both.mapped("dismiss_reason"), ["spam"] * 2)

    def test_a_reason_is_required_and_another_one_explained(self):
        self.lost()
        promise = self.the_promise()
        for values in ({}, {"reason": "other"}):
            with (
                self.subTest(**values),
                self.assertRaisesRegex(AssertionError, "required"),
            ):
                self.act("pbx_promise_dismiss_action", promise, self.anna, **values)
        dialogs = self.env["pbx.promise.dismiss"].with_user(self.anna)
        dialog = dialogs.create({"promise_ids": promise.ids, "reason": "other"})
        with self.assertRaisesRegex(UserError, "Write in the note why"):
            dialog.action_apply()
        self.assertEqual(promise.state, "open")
        self.act(
            "pbx_promise_dismiss_action",
            promise,
            self.anna,
            reason="other",
            note="Moved away.",
        )
        self.assertEqual(promise.note, "Moved away.")

    def test_nobody_closes_what_he_may_not_see(self):
        self.lost(extension="100")
        promise = self.the_promise()
        with self.assertRaises(AccessError):
            self.act("pbx_promise_spoken_action", promise, self.boris)
        self.assertEqual(promise.state, "open")

    def test_expired_is_no_reason_of_people(self):
        field = self.env["pbx.promise.dismiss"]._fields["reason"]
        self.assertNotIn("expired", dict(field.selection))

    # -------------------------------------------------------------------------- lists

    def default_filters(self, user):
        """Return what the list finds for a user who opens it."""
        action = self.env.ref("cloud_pbx.pbx_promise_action")
        model = self.env["pbx.promise"].with_user(user)
        view = model.get_view(action.search_view_id.id, "search")
        nodes = {
            node.get("name"): node for node in etree.fromstring(view["arch"]).iter()
        }
        domain = []
        for name in safe_eval(action.context):
            node = nodes.get(name.removeprefix("search_default_"))
            if node is not None:
                domain += safe_eval(node.get("domain"), {"uid": user.id})
        return model.search([*domain, ("company_id", "=", self.company.id)])

    def test_the_list_opens_with_what_the_badge_counts(self):
        self.lost()
        self.lost(caller=STRANGER)
        # It rang at her phone as well, and somebody else calls back.
        his = self.promises(STRANGER)
        his.user_id = self.boris
        self.lost(caller="+442079460779", extension="101")
        others = self.promises("+442079460779")
        mine = self.promises()
        self.assertEqual(mine.user_id, self.anna, "whose phone rang")
        desk = self.env["pbx.desk"].with_user(self.anna)
        self.assertEqual(self.default_filters(self.anna), mine + his)
        self.assertEqual(desk.count_missed(), 2)
        self.assertEqual(self.default_filters(self.supervisor), mine + his + others)
        mine.with_user(self.anna).action_spoken()
        self.assertEqual(self.default_filters(self.anna), his)
        self.assertEqual(desk.count_missed(), 1)
        self.assertEqual(self.default_filters(self.supervisor), his + others)

    def buttons(self, promise, user):
        form = Form(promise.with_user(user).with_company(self.company))
        values = {**form._values, "uid": user.id}
        return {
            node.get("string")
            for node in form._view["tree"].xpath("./header/button")
            if not safe_eval(node.get("invisible") or "False", values)
        }

    def test_buttons_come_when_they_are_of_use(self):
        self.lost()
        promise = self.the_promise()
        often = {"Call back", "Spoken with…", "Dismiss…"}
        self.assertEqual(self.buttons(promise, self.anna), often)
        self.assertEqual(self.buttons(promise, self.supervisor), {*often, "Take"})
        promise.with_user(self.anna).action_spoken()
        self.assertEqual(self.buttons(promise, self.anna), {"Reopen"})

    def test_only_supervisors_decide_who_calls_back(self):
        self.lost()
        promise = self.the_promise()
        with (
            self.assertRaisesRegex(AssertionError, "readonly"),
            Form(promise.with_user(self.anna).with_company(self.company)) as form,
        ):
            form.user_id = self.boris
        with Form(promise.with_user(self.supervisor)) as form:
            form.user_id = self.boris
        self.assertEqual((promise.user_id, promise.user_source), (self.boris, "person"))

    # -------------------------------------------------------------- contacts and leads

    def test_a_contact_says_that_it_waits_and_so_does_its_company(self):
        firm = self.new_partner("Harbour Ltd", "020 7946 0300", is_company=True)
        olga, other = self.new_partner(parent_id=firm.id), self.new_partner("Al", "")
        self.lost()
        promise = self.the_promise()
        self.assertEqual(promise.partner_id, olga)
        for partner, expected in ((olga, promise), (firm, promise), (other, None)):
            with self.subTest(partner.name):
                partner = partner.with_user(self.anna)
                self.assertEqual(partner.pbx_promise_id, expected or promise.browse())
                self.assertEqual(
                    partner.pbx_promise_deadline, expected and promise.deadline or False
                )
        self.assertEqual(olga.with_user(self.anna).pbx_promise_user_id, self.anna)
        self.assertFalse(olga.with_user(self.boris).pbx_promise_id, "not his business")
        with Form(olga.with_user(self.anna)) as form:
            self.assertEqual(form.pbx_promise_id, promise)
        promise.with_user(self.anna).action_spoken()
        self.env.invalidate_all()
        self.assertFalse(olga.with_user(self.anna).pbx_promise_id)
        with self.assertRaisesRegex(UserError, "Nobody has to call back"):
            olga.with_user(self.anna).action_pbx_call_back()

    def test_the_most_urgent_one_is_shown(self):
        olga = self.new_partner()
        self.lost(30)
        first = self.the_promise()
        second = first.copy(
            {
                "number": STRANGER,
                "partner_id": olga.id,
                "deadline": first.deadline - timedelta(minutes=5),
                "opened_at": first.opened_at,
                "began_at": first.began_at,
            }
        )
        self.env.invalidate_all()
        self.assertEqual(olga.with_user(self.supervisor).pbx_promise_id, second)

    def test_leads_of_the_caller_say_it_by_one_question(self):
        lead = {
            "phone": "020 7946 0777",
            "user_id": self.anna.id,
            "type": "opportunity",
        }
        leads = self.env["crm.lead"].create(
            [{**lead, "name": "Boats"}, {"name": "Other", "user_id": self.anna.id}]
        )
        self.lost(caller=STRANGER)
        promise = self.the_promise(STRANGER)
        self.assertEqual(promise.lead_id, leads[0])
        shown = leads.with_user(self.anna)
        self.assertEqual(shown[0].pbx_promise_id, promise)
        self.assertEqual(shown[0].pbx_promise_deadline, promise.deadline)
        self.assertFalse(shown[1].pbx_promise_id)
        self.assertFalse(shown[1].pbx_promise_deadline)
        others = [{"name": "Many", "user_id": self.anna.id}] * 20
        many = leads + self.env["crm.lead"].create(others)
        self.queries(many)
        self.assertEqual(
            self.queries(leads), self.queries(many), "however many cards there are"
        )

    def queries(self, leads):
        """Return how many statements it takes to read what the cards show."""
        self.env.flush_all()
        self.env.invalidate_all()
        leads = leads.with_user(self.anna)
        leads.fetch(["name", "partner_id"])
        before = self.cr.sql_log_count
        leads.mapped("pbx_promise_deadline")
        return self.cr.sql_log_count - before

    def test_leads_of_a_contact_say_it_too(self):
        olga = self.new_partner()
        leads = self.env["crm.lead"].create(
            [{"name": name, "partner_id": olga.id, "user_id": self.anna.id}
             for name in ("One", "Two")]
        )  # fmt: skip
        self.lost()
        promise = self.the_promise()
        self.assertFalse(promise.lead_id, "of two leads none is meant more")
        self.assertEqual(leads.with_user(self.anna).pbx_promise_id, promise)

    # ------------------------------------------------------------------------ the card

    def card(self, call, user=None):
        desk = self.env["pbx.desk"].with_user(user or self.anna)
        [card] = desk.cards(call.ids)["cards"]
        return card

    def ring_again(self, caller=CALLER, *extensions):
        self.env.invalidate_all()
        return FakeCall(self, caller).start().ring(*(extensions or ("100",))).call

    def test_the_card_says_what_was_promised(self):
        self.lost(50)
        self.lost(40)
        promise = self.the_promise()
        expected = {
            "id": promise.id,
            "deadline": fields.Datetime.to_string(promise.deadline),
            "attempts": 2,
            "overdue": False,
            "can_open": True,
        }
        self.assertEqual(self.card(self.ring_again())["promise"], expected)
        self.assertFalse(self.card(self.ring_again(STRANGER))["promise"])

    def test_overdue_and_not_the_users_own(self):
        self.company.pbx_promise_minutes = 0
        self.lost(50)
        call = self.ring_again(CALLER, "101")
        promise = self.card(call, self.boris)["promise"]
        self.assertEqual((promise["overdue"], promise["can_open"]), (True, False))

    def test_a_person_who_calls_from_another_number(self):
        olga = self.new_partner()
        self.lost()
        call = self.ring_again(STRANGER)
        self.assertFalse(self.card(call)["promise"])
        call.with_user(self.anna).partner_id = olga
        self.assertEqual(self.card(call)["promise"]["id"], self.the_promise().id)
        olga.is_company = True
        self.env.invalidate_all()
        self.assertFalse(
            self.card(call)["promise"], "any of its people may have called"
        )

    def test_promises_of_all_cards_cost_one_question(self):
        self.lost()
        calls = self.ring_again() + self.ring_again(STRANGER)
        cards = self.env["pbx.desk.card"].with_user(self.anna)

        def count(calls):
            self.env.flush_all()
            self.env.invalidate_all()
            calls.with_user(self.anna).fetch(["number", "company_id", "partner_id"])
            before = self.cr.sql_log_count
            cards._promises(calls.with_user(self.anna))
            return self.cr.sql_log_count - before

        count(calls)
        self.assertEqual(count(calls[:1]), count(calls))

    # ------------------------------------------------------------------ of other views

    def test_a_call_leads_to_its_call_back(self):
        call = self.lost()
        promise = self.the_promise()
        form = Form(call.with_user(self.anna).with_company(self.company))
        self.assertEqual(form.promise_id, promise)
        self.assertEqual(form.promise_part, "lost")


@tagged("post_install", "-at_install")
class TestPhoneSettings(PromiseCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = cls.new_user("chief", "base.group_system")

    def settings(self, **values):
        model = self.env["res.config.settings"].with_user(self.admin)
        return model.with_company(self.company).create(values)

    def test_they_are_the_companys(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.settings(
            pbx_promise_minutes=15,
            pbx_promise_min_talk=8,
            pbx_promise_days=7,
            pbx_escalate_minutes=0,
            pbx_escalate_user_id=self.supervisor.id,
            pbx_wrap_up_seconds=20,
            pbx_promise=False,
        ).execute()
        self.assertRecordValues(
            self.company + other,
            [
                {
                    "pbx_promise": False,
                    "pbx_promise_minutes": 15,
                    "pbx_promise_min_talk": 8,
                    "pbx_promise_days": 7,
                    "pbx_escalate_minutes": 0,
                    "pbx_escalate_user_id": self.supervisor.id,
                    "pbx_wrap_up_seconds": 20,
                },
                {
                    "pbx_promise": True,
                    "pbx_promise_minutes": 60,
                    "pbx_promise_min_talk": 5,
                    "pbx_promise_days": 30,
                    "pbx_escalate_minutes": 60,
                    "pbx_escalate_user_id": False,
                    "pbx_wrap_up_seconds": 0,
                },
            ],
        )

    def test_less_than_none_is_refused(self):
        for name, label in (
            ("pbx_promise_minutes", "Call back within"),
            ("pbx_promise_min_talk", "Shortest talk"),
            ("pbx_promise_days", "Keep open for"),
            ("pbx_escalate_minutes", "Escalate after"),
            ("pbx_wrap_up_seconds", "Time after a call"),
        ):
            message = f"“{label}” has to be 0 or more."
            with self.subTest(name), self.assertRaisesRegex(ValidationError, message):
                self.env["res.company"].create({"name": label, name: -1})

    def test_what_became_of_the_lost_calls(self):
        text = "No call was lost in the last 30 days."
        self.assertEqual(self.settings().pbx_audit, text)
        self.lost()
        self.lost(caller=STRANGER)
        self.lost(caller="anonymous")
        settings = self.settings()
        self.assertEqual(
            settings.pbx_audit,
            "Lost calls in the last 30 days: 3, with a call-back: 2, "
            "number withheld: 1, missing: 0",
        )
        self.assertEqual(settings.pbx_audit_missing, 0)
        # Of this company alone, whichever others are chosen beside it.
        other = self.env["res.company"].create({"name": "Other"})
        self.admin.company_ids += other
        model = self.env["res.config.settings"].with_user(self.admin)
        both = {"allowed_company_ids": [other.id, self.company.id]}
        self.assertEqual(model.with_context(**both).create({}).pbx_audit, text)

    def test_only_administrators_have_the_page(self):
        action = self.env.ref("cloud_pbx.pbx_settings_action")
        self.assertEqual(action.res_model, "res.config.settings")
        model = self.env["res.config.settings"]
        arch = model.with_user(self.admin).get_view(False, "form")["arch"]
        [page] = etree.fromstring(arch).xpath("//app[@name='cloud_pbx']")
        self.assertTrue(page.xpath(".//field[@name='pbx_promise_minutes']"))
        for setting in page.iter("setting"):
            self.assertTrue(setting.get("help"), setting.get("id"))
        for user in (self.anna, self.supervisor):
            with self.subTest(user.name), self.assertRaises(AccessError):
                model.with_user(user).create({})
