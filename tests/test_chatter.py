"""Notes about calls in the chatter, where their user or their company wishes so."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models.call.log import CallLog
from ..models.call.merge import CallMerge
from ..telephony.event import CallEvent
from ..telephony.zadarma.dialect import Zadarma
from .common import CALLER, LINE, PbxCase
from .desk import FakeCall, FakeOutboundCall


@tagged("post_install", "-at_install")
class TestChatter(PbxCase):
    def setUp(self):
        super().setUp()
        self.partner = self.new_partner("Olga Petrova")
        self.partner.user_id = self.anna
        self.anna.pbx_log_calls = True

    def spoken(self, **more):
        fake = FakeCall(self, **more).start().ring("100").lift("100")
        fake.end("100", seconds=134)
        return self.noted(fake)

    def lost(self, **more):
        fake = FakeCall(self, **more).start().ring("100")
        fake.give_up()
        return self.noted(fake)

    def noted(self, fake):
        """The call, with what the job makes of it."""
        self.run_job("chatter")
        return self.env["pbx.call"].search(
            [("ref", "=", fake.fields["pbx_call_id"])], limit=1
        )

    def notes(self, record):
        return record.message_ids.filtered(
            lambda one: "/odoo/calls/" in (one.body or "")
        )

    def test_nobody_wished_nothing_is_noted(self):
        self.anna.pbx_log_calls = False
        self.spoken().with_user(self.anna).note = "rope"
        self.assertFalse(self.notes(self.partner))

    def test_a_call_is_noted_once_with_what_was_written(self):
        call = self.spoken()
        [note] = self.notes(self.partner)
        self.assertEqual(note.author_id, self.anna.partner_id)
        self.assertEqual(note.subtype_id, self.env.ref("mail.mt_note"))
        self.assertIn("Answered", note.body)
        self.assertIn("02:14", note.body)
        call.with_user(self.anna).note = "two tons <b>of rope</b>\nby Monday"
        self.assertEqual(self.notes(self.partner), note)
        self.assertIn("two tons &lt;b&gt;of rope&lt;/b&gt;<br>by Monday", note.body)

    def test_it_follows_the_call_to_another_contact_and_to_its_lead(self):
        call = self.spoken()
        other = self.new_partner("Nina", False)
        call.with_user(self.anna).partner_id = other
        self.assertFalse(self.notes(self.partner))
        self.assertEqual(len(self.notes(other)), 1)
        lead = self.env["crm.lead"].create(
            {"name": "Rope", "user_id": self.anna.id, "company_id": self.company.id}
        )
        call.with_user(self.anna).lead_id = lead
        self.assertFalse(self.notes(other))
        self.assertEqual(len(self.notes(lead)), 1)
        call.with_user(self.anna).partner_id = False
        call.lead_id = False
        self.run_job("chatter")
        self.assertFalse(self.notes(lead))

    def test_what_is_imported_later_is_not_noted(self):
        call = self.spoken(ago=timedelta(days=3))
        self.assertFalse(self.notes(self.partner))
        call.with_user(self.anna).note = "rope"
        self.assertEqual(len(self.notes(self.partner)), 1)

    def test_where_its_user_may_not_look_nothing_is_noted(self):
        lead = self.env["crm.lead"].create({"name": "Hidden", "user_id": self.boris.id})
        own = self.env.ref("sales_team.group_sale_salesman")
        self.anna.group_ids = [(4, own.id)]
        call = self.spoken()
        call.lead_id = lead
        self.run_job("chatter")
        self.assertEqual(
            bool(self.notes(lead)), lead.with_user(self.anna).has_access("read")
        )

    def test_the_note_goes_along_into_a_lead_and_it_is_made_once(self):
        call = self.spoken()
        call.note = "two tons\nof rope"
        asked = call.with_user(self.anna).action_create_lead()
        self.assertIn("two tons", asked["context"]["default_description"])
        lead = self.env["crm.lead"].create(
            {"name": "Rope", "user_id": self.anna.id, "phone": CALLER}
        )
        call.lead_id = lead
        again = call.with_user(self.anna).action_create_lead()
        self.assertEqual((again["res_model"], again["res_id"]), ("crm.lead", lead.id))


@tagged("post_install", "-at_install")
class TestCompanyWishes(PbxCase):
    """Notes by the company's setting; no user wishes any."""

    def setUp(self):
        super().setUp()
        self.partner = self.new_partner("Olga Petrova")
        self.partner.user_id = self.anna

    def talk(self, **more):
        fake = FakeCall(self, **more).start().ring("100").lift("100")
        return self.noted(fake.end("100", seconds=134))

    def lose(self, **more):
        return self.noted(FakeCall(self, **more).start().ring("100").give_up())

    def noted(self, fake):
        self.run_job("chatter")
        return fake.call

    def notes(self, record):
        self.env.invalidate_all()
        return record.message_ids.filtered(
            lambda one: "/odoo/calls/" in (one.body or "")
        )

    def test_which_calls_leave_a_note(self):
        for policy, of_talk, of_lost in (
            ("none", 0, 0),
            ("lost", 0, 1),
            ("all", 1, 1),
        ):
            with self.fresh(policy):
                self.company.pbx_chatter_log = policy
                self.talk()
                self.assertEqual(len(self.notes(self.partner)), of_talk)
                self.lose()
                self.assertEqual(len(self.notes(self.partner)), of_talk + of_lost)
                FakeOutboundCall(self).start().lift().end()
                self.run_job("chatter")
                self.assertEqual(len(self.notes(self.partner)), 2 * of_talk + of_lost)

    def test_a_call_that_goes_on_leaves_none_and_an_ended_one_leaves_one(self):
        self.company.pbx_chatter_log = "all"
        fake = FakeCall(self).start().ring("100").lift("100")
        self.noted(fake)
        self.assertFalse(self.notes(self.partner))
        self.noted(fake.end("100"))
        self.assertEqual(len(self.notes(self.partner)), 1)
        # What comes later, and what the user wishes as well, is no second one.
        self.anna.pbx_log_calls = True
        fake.send("NOTIFY_RECORD", call_id_with_rec="1458832388.1584467")
        call = self.noted(fake)
        call.with_user(self.anna).note = "rope"
        call.note = "two tons of rope"
        self.run_job("chatter")
        [note] = self.notes(self.partner)
        self.assertIn("two tons of rope", note.body)

    def test_a_lost_call_is_noted_in_the_name_of_run_as(self):
        self.company.pbx_chatter_log = "lost"
        self.lose()
        [note] = self.notes(self.partner)
        self.assertEqual(note.author_id, self.robot.partner_id)
        self.assertEqual(note.subtype_id, self.env.ref("mail.mt_note"))
        self.assertIn("Missed", note.body)
        self.assertIn("+44 20 7946 0201", note.body)

    def test_without_run_as_it_is_odoo_that_notes(self):
        self.company.pbx_chatter_log = "lost"
        call = self.lose()
        self.notes(self.partner).unlink()
        self.provider.user_id = False
        call.note = "nobody there"
        self.run_job("chatter")
        [note] = self.notes(self.partner)
        self.assertEqual(note.author_id, self.env.ref("base.partner_root"))

    def test_an_answered_one_in_the_name_of_who_spoke(self):
        self.company.pbx_chatter_log = "all"
        call = self.talk()
        [note] = self.notes(self.partner)
        self.assertEqual(note.author_id, self.anna.partner_id)
        call.with_user(self.supervisor).user_id = self.boris
        [note] = self.notes(self.partner)
        self.assertEqual(note.author_id, self.boris.partner_id)

    def test_a_blocked_caller_is_not_lost(self):
        self.company.pbx_chatter_log = "lost"
        self.env["pbx.blocked"].create(
            {"company_id": self.company.id, "number": CALLER}
        )
        self.env.cr.execute("UPDATE pbx_blocked SET create_date = '2026-01-01'")
        call = self.lose()
        self.assertTrue(call.is_blocked)
        self.assertFalse(self.notes(self.partner))

    def test_another_companys_wish_is_not_this_ones(self):
        other = self.env["res.company"].create({"name": "Quay Ltd"})
        other.pbx_chatter_log = "all"
        self.talk()
        self.assertFalse(self.notes(self.partner))

    def test_a_lead_that_is_made_later_gets_the_note(self):
        """As the job does that makes leads: with the system's rights."""
        self.company.pbx_chatter_log = "lost"
        call = self.lose(caller="+442079460333")
        self.assertFalse(call.partner_id)
        lead = self.env["crm.lead"].create(
            {"name": "Rope", "company_id": self.company.id, "user_id": False}
        )
        call.sudo().lead_id = lead
        self.run_job("chatter")
        self.assertEqual(len(self.notes(lead)), 1)

    def test_the_lead_that_the_job_makes_gets_it(self):
        self.company.write({"pbx_chatter_log": "lost", "pbx_lead_policy": "missed"})
        call = self.lose(caller="+442079460333")
        self.run_job("leads")
        self.assertTrue(call.lead_id)
        self.run_job("chatter")
        self.assertEqual(len(self.notes(call.lead_id)), 1)

    def test_a_lost_call_that_may_go_on_is_noted_once_it_does_not(self):
        self.patch(Zadarma, "reopens", True)
        self.company.pbx_chatter_log = "lost"
        fake = FakeCall(self, ago=timedelta(seconds=15)).start().ring("100").give_up()
        call = self.noted(fake)
        self.assertEqual(call.outcome, "missed")
        self.assertFalse(self.notes(self.partner))
        call.stop = fields.Datetime.now() - timedelta(seconds=31)
        self.run_job("chatter")
        self.assertEqual(len(self.notes(self.partner)), 1)
        again = FakeCall(self, ago=timedelta(seconds=15)).start().ring("100").give_up()
        self.noted(again)
        self.noted(again.lift("100").end("100"))
        self.assertEqual(again.call.outcome, "answered")
        self.assertEqual(len(self.notes(self.partner)), 1)

    def test_it_moves_from_the_contact_to_the_lead(self):
        self.company.pbx_chatter_log = "all"
        call = self.talk()
        lead = self.env["crm.lead"].create(
            {"name": "Rope", "company_id": self.company.id, "user_id": False}
        )
        call.sudo().lead_id = lead
        self.run_job("chatter")
        self.assertFalse(self.notes(self.partner))
        self.assertEqual(len(self.notes(lead)), 1)

    def test_the_contact_that_is_made_later_gets_it(self):
        self.company.pbx_chatter_log = "lost"
        self.lose(caller="+442079460333")
        nina = self.new_partner("Nina", "+44 20 7946 0333")
        self.run_job("rematch")
        self.run_job("chatter")
        self.assertEqual(len(self.notes(nina)), 1)

    def test_old_calls_of_an_import_leave_none(self):
        self.company.pbx_chatter_log = "all"
        call = self.talk(ago=timedelta(days=3))
        self.assertFalse(self.notes(self.partner))
        call.with_user(self.anna).note = "rope"
        self.assertEqual(len(self.notes(self.partner)), 1)

    def test_history_that_is_read_soon_leaves_one_and_later_none(self):
        self.company.pbx_chatter_log = "all"
        log = CallLog(self.env, self.provider._settings(self.provider.id))
        now = fields.Datetime.now()
        log.add_history(
            {
                ref: [
                    CallEvent(
                        kind="logged",
                        ref=ref,
                        received_at=now,
                        direction="inbound",
                        caller=CALLER,
                        called=LINE,
                        started=(now - ago,),
                        disposition="answered",
                        talk=20,
                    )
                ]
                for ref, ago in (
                    ("in_soon", timedelta(hours=2)),
                    ("in_late", timedelta(days=2)),
                )
            }
        )
        self.run_job("chatter")
        self.assertEqual(len(self.calls()), 2)
        [note] = self.notes(self.partner)
        soon = self.env["pbx.call"]._find_by_ref(self.provider.id, "in_soon")
        self.assertIn(f"/odoo/calls/{soon.id}", note.body)

    def test_it_is_written_in_the_language_of_its_author(self):
        self.env["res.lang"]._activate_lang("de_DE")
        self.env["ir.module.module"]._load_module_terms(["cloud_pbx"], ["de_DE"])
        self.company.pbx_chatter_log = "lost"
        self.robot.lang = "de_DE"
        self.lose()
        [note] = self.notes(self.partner)
        self.assertIn("Verpasst", note.body)

    def test_a_call_that_cannot_be_noted_costs_no_other(self):
        self.company.pbx_chatter_log = "all"
        nina = self.new_partner("Nina", "+44 20 7946 0333")
        FakeCall(self).start().ring("100").lift("100").end("100")
        other = FakeCall(self, caller="+442079460333").start().ring("100").lift("100")
        other.end("100")
        # A contact that no message can be posted to: its company's rules forbid it.
        refuse = UserError("no messages here")
        model = type(self.env["res.partner"])
        post = model.message_post

        def message_post(records, **values):
            if records == self.partner:
                raise refuse
            return post(records, **values)

        self.patch(model, "message_post", message_post)
        with self.assertLogs("odoo.addons.cloud_pbx", "WARNING") as logged:
            self.run_job("chatter")
        self.assertEqual(len(logged.output), 1)
        self.assertFalse(self.notes(self.partner))
        self.assertEqual(len(self.notes(nina)), 1)
        self.assertFalse(self.env["pbx.chatter"].search([]))

    def test_on_a_full_disk_the_note_waits_for_the_next_run(self):
        self.company.pbx_chatter_log = "all"
        FakeCall(self).start().ring("100").lift("100").end("100")
        self.env.cr.execute(
            """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
               $$BEGIN RAISE 'No space left' USING ERRCODE = 'disk_full'; END$$;
               CREATE TRIGGER refuse BEFORE INSERT ON mail_message
               FOR EACH ROW EXECUTE FUNCTION refuse()"""
        )
        with mute_logger("odoo.sql_db"):
            self.run_job("chatter")
        self.assertEqual(len(self.env["pbx.chatter"].search([])), 1)
        self.env.cr.execute("DROP TRIGGER refuse ON mail_message")
        self.run_job("chatter")
        self.assertEqual(len(self.notes(self.partner)), 1)
        self.assertFalse(self.env["pbx.chatter"].search([]))

    def test_a_webhook_only_queues_it(self):
        """Four statements, however much the note itself costs."""
        self.talk()  # warms what is kept in memory
        costs = {}
        for policy in ("none", "all"):
            self.company.pbx_chatter_log = policy
            # Settings that were kept in memory are read once.
            self.talk()
            fake = FakeCall(self).start().ring("100").lift("100")
            self.env.flush_all()
            self.env.cr.flush()
            before = self.env.cr.sql_log_count
            fake.end("100")
            self.env.flush_all()
            self.env.cr.flush()
            costs[policy] = self.env.cr.sql_log_count - before
        # The row, and three by which Odoo wakes a job.
        self.assertLessEqual(costs["all"], costs["none"] + 4, costs)
        queued = self.env["pbx.chatter"].search([])
        self.assertEqual(len(queued), 1)
        before = self.env.cr.sql_log_count
        queued._write_queued()
        self.env.flush_all()
        self.assertGreater(self.env.cr.sql_log_count - before, 10)

    def test_two_rows_of_one_call_that_became_one_keep_one_note(self):
        self.company.pbx_chatter_log = "all"
        first, second = self.talk(), self.talk()
        self.assertEqual(len(self.notes(self.partner)), 2)
        kept_note = first.sudo().chatter_message_id
        CallMerge(second.sudo(), first.sudo()).run()
        self.run_job("chatter")
        self.assertEqual(self.notes(self.partner), kept_note)
