"""What the desk shows of a company that is not ticked can be done, too.

Over the wire, with the context that ``static/src/common/company.js`` sends.
"""

from odoo import Command
from odoo.tests import tagged

from .common import CALLER, PbxHttpCase
from .desk import DeskCase, FakeCall
from .test_dial import DialCase


@tagged("post_install", "-at_install")
class TestDeskCompanies(DeskCase, DialCase, PbxHttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ticked = cls.env["res.company"].create({"name": "Ticked"})
        cls.company.pbx_wrap_up = "ask"
        cls.anna.write(
            {
                "company_id": cls.ticked.id,
                "company_ids": [Command.link(cls.ticked.id)],
                "password": cls.anna.login,
            }
        )

    def setUp(self):
        super().setUp()
        self.authenticate(self.anna.login, self.anna.login)

    def wire(self, model, method, *args, company_id=None):
        """Return what the browser gets; of what was shown with ``company_id``."""
        companies = [company_id, self.ticked.id] if company_id else self.ticked.ids
        asked = {
            "model": model,
            "method": method,
            "args": args,
            "kwargs": {"context": {"allowed_company_ids": companies}},
        }
        url = f"/web/dataset/call_kw/{model}/{method}"
        answer = self.url_open(url, json={"params": asked}).json()
        self.assertNotIn("error", answer, str(answer.get("error"))[:2000])
        self.env.invalidate_all()
        return answer["result"]

    def shown(self, call):
        """Return the card of ``call`` as the browser gets it."""
        [card] = self.wire("pbx.desk", "cards", call.ids)["cards"]
        return card

    def act(self, card, method, *args):
        return self.wire(
            "pbx.call", method, [card["id"]], *args, company_id=card["company_id"]
        )

    def talk(self):
        fake = FakeCall(self).start().ring("100").lift("100").end("100")
        return fake.call

    def test_card(self):
        call = self.talk()
        [card] = self.wire("pbx.desk", "overview")["cards"]
        self.assertEqual((card["id"], card["asks"]), (call.id, True))
        self.assertEqual(card["company_id"], self.company.id)
        self.act(card, "write", {"note": "Wants the offer"})
        self.assertEqual(call.note, "Wants the offer")
        tag = card["tags"][0]["id"]
        self.act(card, "write", {"tag_ids": [Command.link(tag)]})
        self.assertEqual(call.tag_ids.ids, [tag])
        self.act(card, "write", {"tag_ids": [Command.unlink(tag)]})
        self.assertTrue(self.shown(call)["asks"])
        self.act(card, "action_nothing_to_say")
        self.assertFalse(self.shown(call)["asks"])
        self.assertEqual(self.wire("pbx.desk", "overview")["cards"], [])

    def test_whose_it_was(self):
        self.extension.user_ids |= self.boris
        call = self.talk()
        card = self.shown(call)
        self.assertTrue(card["can_claim"])
        self.act(card, "action_claim")
        self.assertEqual(call.user_id, self.anna)

    def test_created_from_the_card(self):
        call = self.talk()
        card = self.shown(call)
        for method, model in (
            ("action_create_contact", "res.partner"),
            ("action_create_lead", "crm.lead"),
        ):
            action = self.act(card, method)
            self.assertEqual(action["res_model"], model)

    def test_phone(self):
        FakeCall(self).start().ring("100").give_up()
        [row] = self.wire("pbx.desk", "missed_calls")
        self.assertEqual(row["company_id"], self.company.id)
        [recent] = self.wire("pbx.desk", "recent")["calls"]
        self.assertEqual(recent["company_id"], self.company.id)
        promise = self.env["pbx.promise"].browse(row["promise_id"])

        def act(method, *args):
            return self.wire(
                "pbx.promise",
                method,
                promise.ids,
                *args,
                company_id=row["company_id"],
            )

        act("action_take")
        self.assertEqual(promise.user_id, self.anna)
        act("action_spoken")
        self.assertEqual(promise.state, "kept")
        act("action_reopen")
        self.assertEqual(promise.state, "open")
        act("action_dismiss", "not_needed")
        self.assertEqual(promise.state, "dismissed")
        act("action_reopen")
        call_id = act("action_call_back")
        self.assertEqual(self.env["pbx.call"].browse(call_id).number, CALLER)
        self.wire(
            "pbx.call", "action_called_back", [row["id"]], company_id=row["company_id"]
        )
        self.assertEqual(promise.state, "kept")
