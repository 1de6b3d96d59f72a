"""Who asks to be forgotten: nothing is kept of their number, and all of others."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .common import CALLER, LINE, PbxCase, log_lines
from .desk import FakeCall
from .history import AN_HOUR, HistoryCase
from .recordings import RecordingCase

OTHER = "+442079460777"
LOG = "odoo.addons.cloud_pbx.models.people.erasure"


@tagged("post_install", "-at_install")
class TestErase(RecordingCase, PbxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Takes no calls, and sees none.
        cls.admin = cls.new_user("admin", "base.group_system")

    def open(self, number, user=None):
        wizards = self.env["pbx.erase"].with_user(user or self.admin)
        with Form(wizards) as form:
            form.number = number
            return form.save()

    def lost(self, caller):
        ago = timedelta(hours=1)
        return FakeCall(self, caller, ago=ago).start().ring("100").give_up().call

    def known(self, caller):
        """Have all that Phone may keep of a caller."""
        self.anna.pbx_log_calls = True
        partner = self.new_partner(f"Owner of {caller}", caller)
        self.lost(caller)
        promise = self.env["pbx.promise"].search([("number", "=", caller)])
        promise.action_spoken("She wrote an e-mail.")
        self.recorded("answered", caller=caller)
        self.run_job("fetch_recordings")
        self.run_job("chatter")
        self.env["pbx.blocked"].create({"number": caller, "reason": "Rude"})
        self.env["pbx.event"].create(
            {
                "provider_id": self.provider.id,
                "event_type": "SMS",
                # At home, as a PBX may write it.
                "payload": f'{{"caller_id": "0{caller[3:]}"}}',
                "received_at": fields.Datetime.now(),
                "state": "failed",
                "error": "Not understood",
            }
        )
        self.env["pbx.request"].create(
            {
                "provider_id": self.provider.id,
                "at": fields.Datetime.now(),
                "path": "/v1/request/callback/",
                "asked": f"from=100&to=%2B{caller[1:]}",
            }
        )
        self.env.invalidate_all()
        return partner

    def kept(self, number):
        """How many rows of each table have the number in any of their columns."""
        self.env.flush_all()
        self.env.cr.execute(
            """SELECT table_name, array_agg(quote_ident(column_name)::text)
                 FROM information_schema.columns
                 JOIN information_schema.tables USING (table_schema, table_name)
                WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
                  AND data_type IN ('text', 'character varying', 'jsonb', 'json')
             GROUP BY table_name"""
        )
        found = {}
        for table, columns in self.env.cr.fetchall():
            texts = " || ' ' || ".join(f"coalesce({one}::text, '')" for one in columns)
            # In the form of people it stands in notes.
            self.env.cr.execute(
                f"""SELECT count(*) FROM "{table}"
                     WHERE replace({texts}, ' ', '') LIKE %s""",
                [f"%{number[-7:]}%"],
            )
            [[count]] = self.env.cr.fetchall()
            if count:
                found[table] = count
        return found

    def test_nothing_is_left_of_the_number_and_all_of_others(self):
        # Texts of ours have it as an example.
        at_first = self.kept(CALLER)
        partner = self.known(CALLER)
        self.known(OTHER)
        calls = self.env["pbx.call"].search([("number", "=", CALLER)])
        recordings = calls.recording_ids
        self.assertEqual(recordings.mapped("state"), ["stored"])
        audio = self.env["ir.attachment"].search(
            [
                ("res_model", "=", "pbx.recording"),
                ("res_field", "=", "audio"),
                ("res_id", "in", recordings.ids),
            ]
        )
        self.assertEqual(len(audio), 1)
        before, others = self.kept(CALLER), self.kept(OTHER)
        # The test has what it is about.
        tables = {"pbx_call", "pbx_promise", "pbx_event", "pbx_request", "pbx_blocked"}
        self.assertLess(tables | {"mail_message"}, before.keys())

        wizard = self.open("020 7946 0201")
        self.assertEqual(wizard.number_readable, "+44 20 7946 0201")
        self.assertFalse(wizard.problem)
        refs = calls.mapped("ref")
        events = self.env["pbx.event"].search_count([("ref", "in", refs)]) + 1
        self.assertRecordValues(
            wizard,
            [
                {
                    "call_count": 2,
                    "recording_count": 1,
                    "promise_count": 1,
                    "event_count": events,
                    "request_count": 1,
                    "blocked_count": 1,
                }
            ],
        )
        self.assertEqual(self.kept(CALLER), {**before, "pbx_erase": 1})
        with log_lines(LOG) as logged:
            action = wizard.action_erase()
        self.env.invalidate_all()

        self.assertEqual(action["params"]["type"], "success")
        left = self.kept(CALLER)
        # A contact is Odoo's own.
        self.assertEqual(left, {**at_first, "res_partner": 1})
        self.assertTrue(partner.exists())
        self.assertFalse(partner.pbx_call_ids)
        self.assertFalse(
            [one for one in partner.message_ids if "/odoo/calls/" in one.body]
        )
        for gone in (calls, recordings, audio):
            self.assertFalse(gone.exists(), gone._name)
        self.assertEqual(self.kept(OTHER), others)
        self.assertIn("'calls': 2, 'recordings': 1, 'promises': 1", str(logged))
        self.assertNotIn("9460201", str(logged))
        [note] = self.provider.message_ids.filtered(
            lambda one: "A phone number was erased" in one.body
        )
        self.assertEqual(note.author_id, self.admin.partner_id)
        self.assertIn(
            f"Calls: 2, recordings: 1, call-backs: 1, events: {events}, requests: 1.",
            note.body,
        )

    def test_what_cannot_be_meant_is_refused(self):
        self.lost(CALLER)
        for typed, problem in (
            ("Olga", "is no phone number"),
            ("100", "is no phone number"),
            ("+4420*", "is no phone number"),
            (OTHER, "Nothing is kept"),
        ):
            with self.subTest(typed):
                wizard = self.open(typed)
                self.assertIn(problem, wizard.problem)
                self.assertFalse(wizard.call_count)
                with self.assertRaisesRegex(UserError, problem):
                    wizard.action_erase()

    def test_a_number_of_ones_own_is_not_erased(self):
        """Else all that the inbox has would go: the line is in each event."""
        self.lost(CALLER)
        self.lost(LINE)
        lines = self.env["pbx.line"].search([("number", "=", LINE)])
        self.assertTrue(lines.filtered(lambda one: one.company_id == self.company))
        wizard = self.open(LINE)
        self.assertIn("a number of your own", wizard.problem)
        count = len(self.events())
        with self.assertRaisesRegex(UserError, "a number of your own"):
            wizard.action_erase()
        self.assertEqual(len(self.events()), count)

    def test_a_call_that_goes_on_is_waited_for(self):
        fake = FakeCall(self, CALLER).start().ring("100")
        wizard = self.open(CALLER)
        self.assertIn("is going on", wizard.problem)
        with self.assertRaisesRegex(UserError, "is going on"):
            wizard.action_erase()
        fake.give_up()
        self.env.invalidate_all()
        self.assertFalse(wizard.problem)
        wizard.action_erase()
        self.assertFalse(self.calls())

    def test_only_the_companies_that_are_shown(self):
        company = self.env["res.company"].create(
            {"name": "Quay Ltd", "country_id": self.gb.id}
        )
        self.admin.company_ids += company
        provider = self.new_provider(
            company, self.new_user("robot", "base.group_user", company), "other"
        )
        self.lost(CALLER)
        self.tell("missed", provider=provider, caller=CALLER)
        self.env["pbx.blocked"].create({"number": CALLER, "company_id": company.id})
        self.assertEqual(self.open(CALLER).call_count, 1)
        self.open(CALLER).action_erase()
        self.assertFalse(self.calls())
        self.assertEqual(len(self.calls(provider)), 1)
        self.assertTrue(self.events(provider=provider))
        self.assertFalse(provider.message_ids.filtered(lambda m: "erased" in m.body))
        both = self.env["pbx.erase"].with_context(
            allowed_company_ids=(self.company + company).ids
        )
        wizard = both.with_user(self.admin).create({"number": CALLER})
        self.assertEqual(wizard.blocked_count, 1)
        wizard.action_erase()
        self.assertFalse(self.calls(provider))
        self.assertFalse(self.events(provider=provider))

    def test_it_begins_with_the_number_of_what_it_is_opened_from(self):
        call = self.lost(CALLER)
        for record, action in (
            (call, "cloud_pbx.pbx_call_action"),
            (call.promise_id, "cloud_pbx.pbx_promise_action"),
        ):
            with self.subTest(record._name), self.env.cr.savepoint() as savepoint:
                self.admin.group_ids += self.env.ref("cloud_pbx.group_pbx_manager")
                wizards = self.env["pbx.erase"].with_user(self.admin)
                wizards = wizards.with_context(
                    active_model=record._name, active_id=record.id
                )
                form = Form(wizards)
                self.assertEqual(form.number, "+44 20 7946 0201")
                following = form.save().action_erase()["params"]["next"]
                # Its own page is none any more.
                self.assertEqual(following["xml_id"], action)
                self.assertEqual(following["target"], "main")
                self.assertFalse(record.exists())
                savepoint.rollback()

    def test_nobody_but_administrators_erases(self):
        self.lost(CALLER)
        wizard = self.open(CALLER)
        for user in (self.anna, self.supervisor):
            with self.subTest(user.name):
                with self.assertRaises(AccessError):
                    self.env["pbx.erase"].with_user(user).create({"number": CALLER})
                with self.assertRaises(AccessError):
                    wizard.with_user(user).action_erase()
                menus = self.env["ir.ui.menu"].with_user(user).load_menus(False)
                menu = self.env.ref("cloud_pbx.pbx_erase_menu")
                self.assertNotIn(menu.id, menus)
                for model in ("pbx.call", "pbx.promise"):
                    bound = self.env["ir.actions.actions"].with_user(user)
                    actions = bound.get_bindings(model).get("action", ())
                    self.assertNotIn("pbx.erase", [a.get("res_model") for a in actions])
        self.assertEqual(len(self.calls()), 1)


@tagged("post_install", "-at_install")
class TestErasedHistory(HistoryCase):
    """The PBX has the calls among its own past ones for as long as it likes."""

    def erase(self, number):
        admin = self.new_user("admin", "base.group_system")
        wizards = self.env["pbx.erase"].with_user(admin)
        wizards.create({"number": number}).action_erase()
        self.env.invalidate_all()

    def test_past_calls_of_an_erased_number_are_not_read_again(self):
        self.happened("answered", caller=CALLER)
        self.happened("missed", caller=CALLER, ago=3 * AN_HOUR)
        self.happened("outbound", caller=CALLER, ago=2 * AN_HOUR)
        self.happened("answered", caller=OTHER, ago=4 * AN_HOUR)
        self.fetch()
        self.assertEqual(len(self.calls()), 4)
        self.erase(CALLER)
        self.assertEqual(self.calls().mapped("number"), [OTHER])
        self.assertEqual(self.fetch(), "Past calls: 0 new, 0 completed, 1 unchanged.")
        period = {
            "start": self.now - timedelta(days=2),
            "stop": self.now,
        }
        history = self.period(**period)
        self.run_job("fetch_history")
        self.assertEqual(history.state, "done")
        self.assertEqual(self.calls().mapped("number"), [OTHER])
        self.assertEqual(self.counts(history)[:3], (0, 0, 1))

    def test_calls_after_it_are_read(self):
        """Who was erased may call again."""
        self.happened("answered", caller=CALLER, ago=2 * AN_HOUR)
        self.fetch()
        self.erase(CALLER)
        self.env["pbx.erased"].search([]).erased_at = self.now - AN_HOUR
        self.env.registry.clear_cache()
        self.happened("missed", caller=CALLER, ago=AN_HOUR / 2)
        self.fetch()
        self.assertEqual(self.calls().mapped("outcome"), ["missed"])

    def test_another_company_keeps_its_calls(self):
        self.happened("answered", caller=CALLER)
        self.fetch()
        self.erase(CALLER)
        self.env["pbx.erased"].search([]).company_id = self.env["res.company"].create(
            {"name": "Quay Ltd"}
        )
        self.env.registry.clear_cache()
        self.fetch()
        self.assertEqual(self.calls().mapped("number"), [CALLER])

    def test_erased_again_it_counts_from_then(self):
        self.happened("answered", caller=CALLER)
        self.fetch()
        self.erase(CALLER)
        erased = self.env["pbx.erased"].search([])
        erased.erased_at = self.now - timedelta(days=9)
        self.env.registry.clear_cache()
        self.fetch()
        self.env["pbx.erase"].search([]).unlink()
        wizard = self.env["pbx.erase"].create({"number": CALLER})
        wizard.action_erase()
        self.assertEqual(self.env["pbx.erased"].search([]), erased)
        self.assertGreaterEqual(erased.erased_at, self.now)
        self.assertNotIn("9460201", erased.digest)
