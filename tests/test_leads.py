"""Leads made by calls: each row of the table, as the PBX reports what happens."""

from datetime import timedelta
from itertools import product

from odoo import fields
from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import Form, tagged

from ..telephony.zadarma.dialect import Zadarma
from .common import CALLER, LINE, TYPED, log_lines
from .desk import FakeCall, FakeOutboundCall, ThreeDesks
from .history import HistoryCase

MAKER_LOGS = ("odoo.addons.cloud_pbx.models.lead.make",)
STRANGER = "+442079460777"
POLICIES = ("never", "missed", "unknown", "always")
# Of whom, by what came of the call, a lead is made under each policy.
MADE = {
    "never": set(),
    "missed": {("unknown", "lost")},
    "unknown": {("unknown", "lost"), ("unknown", "talked")},
    "always": set(product(("unknown", "known"), ("lost", "talked"))),
}
# A lead with all that comes with it: the look-up, the call-back, the chatter.
MAX_PER_LEAD = 80


def ago(**parts):
    return timedelta(**parts)


class LeadCase(ThreeDesks):
    policy = "always"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.pbx_lead_policy = cls.policy
        cls.line = cls.env["pbx.line"].create(
            {"number": LINE, "provider_id": cls.provider.id}
        )

    def lost(self, minutes=60, caller=CALLER, how="cancel", extension="100", **more):
        fake = FakeCall(self, caller, ago=ago(minutes=minutes), **more).start()
        if extension:
            fake.ring(extension)
        return fake.end(how=how).call

    def talked(self, minutes=30, caller=CALLER, seconds=34, extension="101", **more):
        fake = FakeCall(self, caller, ago=ago(minutes=minutes), **more).start()
        fake.ring(extension).lift(extension)
        return fake.end(extension, seconds=seconds).call

    def short(self, minutes=60, how="cancel", caller=CALLER, **more):
        """A caller who waited, or talked, for two seconds."""
        fake = FakeCall(self, caller, ago=ago(minutes=minutes), **more)
        fake.pause = ago(seconds=1)
        fake.start().ring("100")
        if how == "answered":
            return fake.lift("100").end("100", seconds=2).call
        return fake.end(how=how).call

    def dialled(self, minutes=20, number=CALLER, seconds=34, **more):
        fake = FakeOutboundCall(self, number, "101", ago=ago(minutes=minutes), **more)
        return fake.start().lift().end(seconds=seconds).call

    def leads(self):
        self.env.invalidate_all()
        leads = self.env["crm.lead"].with_context(active_test=False)
        return leads.search([("company_id", "=", self.company.id)], order="id")

    def made(self):
        """Run the job; return the leads that there are then."""
        self.run_job("leads")
        waiting = [("lead_after", "!=", False)]
        self.assertFalse(self.env["pbx.call"].search(waiting), "each call once")
        return self.leads()

    def the_lead(self):
        lead = self.made()
        self.assertEqual(len(lead), 1)
        return lead

    def new_lead(self, phone=TYPED, **values):
        return self.env["crm.lead"].create(
            {
                "name": "By hand",
                "phone": phone,
                "country_id": self.gb.id,
                "company_id": self.company.id,
                "user_id": False,
                **values,
            }
        )


@tagged("post_install", "-at_install")
class TestLeadPolicy(LeadCase):
    def test_every_cell(self):
        """By the company's choice and by the line's, whose counts."""
        calls = {"lost": self.lost, "talked": self.talked}
        for policy, who, what, whose in product(
            POLICIES, ("unknown", "known"), calls, ("company", "line")
        ):
            with self.fresh(policy, who, what, whose):
                if whose == "company":
                    self.company.pbx_lead_policy = policy
                else:
                    # The other way round: the company's does not count.
                    other = "always" if policy == "never" else "never"
                    self.company.pbx_lead_policy = other
                    self.line.lead_policy = policy
                partner = self.env["res.partner"]
                if who == "known":
                    partner = self.new_partner()
                call = calls[what]()
                lead = self.made()
                self.assertEqual(len(lead), (who, what) in MADE[policy])
                self.assertEqual(call.lead_id, lead)
                if lead:
                    self.assertEqual(lead.pbx_call_id, call)
                    self.assertEqual(lead.partner_id, partner)

    def test_lost_is_missed_busy_or_failed(self):
        self.company.pbx_lead_policy = "missed"
        for how in ("cancel", "busy", "failed"):
            with self.fresh(how):
                self.lost(how=how)
                self.the_lead()

    def test_never_whatever_the_policy(self):
        self.company.pbx_lead_policy = "always"
        spam = self.env.ref("cloud_pbx.call_tag_spam")
        other = self.new_provider(self.company, self.robot, "second")

        def several_contacts():
            self.new_partner("One")
            self.new_partner("Two")
            self.lost()

        def several_leads():
            self.new_lead()
            self.new_lead()
            self.lost()

        def contact_with_several_leads():
            partner = self.new_partner()
            self.new_lead(False, partner_id=partner.id)
            self.new_lead(False, partner_id=partner.id)
            self.lost()

        def blocked():
            self.env["pbx.blocked"].create(
                {"company_id": self.company.id, "number": CALLER}
            )
            self.lost(minutes=0)

        def own_caller_id():
            self.extension.caller_id = STRANGER
            self.lost(caller=STRANGER)

        def own_other_line():
            self.env["pbx.line"].create({"number": STRANGER, "provider_id": other.id})
            self.lost(caller=STRANGER)

        for what in (
            self.dialled,
            lambda: self.tell("extension_to_extension"),
            lambda: self.lost(caller="anonymous"),
            lambda: self.lost(caller=LINE),
            own_other_line,
            own_caller_id,
            lambda: self.lost(caller="112"),
            lambda: self.lost().write({"tag_ids": [Command.link(spam.id)]}),
            several_contacts,
            several_leads,
            contact_with_several_leads,
            blocked,
            self.short,
            lambda: self.short(how="answered"),
        ):
            with self.fresh(what.__name__):
                what()
                self.assertFalse(self.made().filtered("pbx_call_id"))

    def test_too_short_counts_the_second_time(self):
        for first, second, hours, made in (
            ("cancel", "cancel", 23, 1),
            ("answered", "cancel", 23, 1),
            ("cancel", "answered", 23, 1),
            ("cancel", "cancel", 25, 0),
        ):
            for order, between in product((1, -1), (False, True)):
                with self.fresh(first, second, hours, order, between):
                    happen = [
                        lambda how=first, hours=hours: self.short(30 + hours * 60, how),
                        lambda how=second: self.short(30, how),
                    ][::order]
                    happen[0]()
                    if between:
                        self.assertFalse(self.made())
                    happen[1]()
                    self.assertEqual(len(self.made()), made)

    def test_how_short(self):
        self.company.pbx_lead_min_seconds = 11
        self.lost()  # waits for ten seconds
        self.assertFalse(self.made())
        self.company.pbx_lead_min_seconds = 10
        self.lost(caller=STRANGER)
        self.assertEqual(self.made().phone_sanitized, STRANGER)

    def test_a_talk_of_no_length_counts_as_long(self):
        self.talked(seconds=0)
        self.the_lead()

    def test_linked_instead(self):
        """An open lead of the number, however typed, or of the contact."""
        partner = self.new_partner("Olga", STRANGER)
        for phone, caller, values in (
            ("+44 20 7946 0201", CALLER, {}),
            ("020 7946 0201", CALLER, {}),
            ("(020) 7946-0201 / 07400 123456", CALLER, {}),
            ("07400 123456", STRANGER, {"partner_id": partner.id}),
        ):
            with self.fresh(phone):
                # It was not there yet when the call was looked up.
                call = self.lost(caller=caller)
                lead = self.new_lead(phone, **values)
                self.assertEqual(self.made(), lead)
                self.assertEqual(call.lead_id, lead)
                self.assertFalse(lead.pbx_call_id, "it did not come from a call")

    def test_not_linked(self):
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        for what, values in (
            ("won", {"stage_id": self.env["crm.stage"].search(
                [("is_won", "=", True)], limit=1).id, "probability": 100}),
            ("archived, by hand", {"active": False}),
            ("another company's", {"company_id": elsewhere.id}),
        ):  # fmt: skip
            with self.fresh(what):
                by_hand = self.new_lead(**values)
                call = self.lost()
                self.assertTrue(self.made() - by_hand)
                self.assertNotEqual(call.lead_id, by_hand)

    def test_lost_or_archived_lately(self):
        self.lost(300)
        lead = self.the_lead()
        for what, days, linked in (
            ("lost", 29, True),
            ("archived", 29, True),
            ("lost", 31, False),
            ("archived", 31, False),
        ):
            with self.fresh(what, days):
                if what == "lost":
                    lead.action_set_lost()
                else:
                    lead.active = False
                lead.date_closed = fields.Datetime.now() - ago(days=days)
                call = self.lost()
                self.assertEqual(self.made() == lead, linked)
                self.assertEqual(call.lead_id == lead, linked)

    def test_a_lost_lead_whose_number_was_corrected(self):
        self.lost(300)
        lead = self.the_lead()
        lead.phone = "07400 123456"
        lead.action_set_lost()
        for caller in (CALLER, "+447400123456"):
            with self.fresh(caller):
                call = self.lost(caller=caller)
                self.assertEqual(self.made(), lead)
                self.assertEqual(call.lead_id, lead)

    def test_lost_leads_are_no_reason_where_none_is_wanted(self):
        self.lost(300)
        lead = self.the_lead()
        lead.action_set_lost()
        self.company.pbx_lead_policy = "missed"
        call = self.talked()
        self.assertEqual(self.made(), lead)
        self.assertFalse(call.lead_id)

    def test_once(self):
        """Many calls of a number make one lead; one that is removed stays removed."""
        calls = self.lost(90) + self.lost(80) + self.talked(70)
        lead = self.the_lead()
        self.assertEqual(lead.pbx_call_id, calls[0])
        self.assertEqual(calls.lead_id, lead)
        lead.unlink()
        calls.invalidate_recordset()
        self.run_job("rematch")
        for event in self.events():
            event.action_replay()
        self.assertFalse(self.made())

    def test_a_person_says_that_it_is_none(self):
        call = self.lost()
        lead = self.new_lead(STRANGER, user_id=self.anna.id)
        call.with_user(self.anna).lead_id = lead
        call.with_user(self.anna).lead_id = False
        self.assertEqual(self.made(), lead)

    def test_a_person_says_that_it_is_not_that_contact(self):
        self.new_partner()
        call = self.lost()
        call.with_user(self.supervisor).partner_id = False
        self.company.pbx_lead_policy = "missed"
        lead = self.the_lead()
        self.assertFalse(lead.partner_id)
        self.assertEqual(call.partner_source, "picked")

    def test_spelled_in_two_ways(self):
        """A phone of Mexico calls with and without the former 1: one lead."""
        self.lost(90, caller="+5215512345678")
        self.lost(80, caller="+525512345678")
        self.the_lead()

    def test_calls_of_before(self):
        """Those that ended while no leads were wanted make none, whatever follows."""
        self.company.pbx_lead_policy = "never"
        call = self.lost()
        self.company.pbx_lead_policy = "always"
        self.assertFalse(self.made())
        spam = self.env.ref("cloud_pbx.call_tag_spam")
        call.tag_ids = spam
        call.tag_ids = False
        self.assertFalse(self.made())

    def test_spam_that_is_none(self):
        spam = self.env.ref("cloud_pbx.call_tag_spam")
        call = self.lost()
        call.with_user(self.supervisor).tag_ids = spam
        self.assertFalse(self.made())
        call.with_user(self.supervisor).tag_ids = False
        self.the_lead()


@tagged("post_install", "-at_install")
class TestLeadValues(LeadCase):
    def test_values(self):
        team = self.env["crm.team"].create(
            {"name": "Harbour", "company_id": self.company.id}
        )
        marketing = {
            "source_id": self.env["utm.source"].create({"name": "Newspaper"}).id,
            "campaign_id": self.env["utm.campaign"].create({"name": "Spring"}).id,
        }
        self.line.write({"team_id": team.id, **marketing})
        call = self.lost(extension=None)
        # What the line has later does not rewrite the past.
        self.line.write({"team_id": False, "source_id": False, "campaign_id": False})
        lead = self.the_lead()
        self.assertRecordValues(
            lead,
            [
                {
                    "name": "Call from +44 20 7946 0201",
                    "phone": "+44 20 7946 0201",
                    "phone_sanitized": CALLER,
                    "country_id": self.gb.id,
                    "partner_id": False,
                    "user_id": False,
                    "team_id": team.id,
                    "medium_id": self.env.ref("utm.utm_medium_phone").id,
                    "company_id": self.company.id,
                    "pbx_call_id": call.id,
                    "pbx_line_id": self.line.id,
                    "create_uid": self.robot.id,
                    "type": "opportunity",
                    "active": True,
                    "won_status": "pending",
                    **marketing,
                }
            ],
        )
        self.assertEqual((call.lead_id, call.partner_source), (lead, "lead"))
        self.assertFalse(lead.message_partner_ids, "nobody follows it unasked")
        self.assertEqual(call.promise_id.lead_id, lead)

    def test_in_the_name_of_run_as(self):
        self.env["res.lang"]._activate_lang("ru_RU")
        self.robot.write(
            {
                "lang": "ru_RU",
                "group_ids": [Command.link(self.env.ref("crm.group_use_lead").id)],
            }
        )
        self.lost()
        lead = self.the_lead()
        self.assertEqual(lead.type, "lead")
        self.assertEqual(lead.create_uid, self.robot)
        name = self.env["crm.lead"].with_context(lang="ru_RU").env._("Call from %s")
        self.assertEqual(lead.name, name % "+44 20 7946 0201")

    def test_whose_it_is(self):
        # Who spoke, else who has to call back, else nobody.
        team = self.env["crm.team"].create(
            {"name": "Harbour", "company_id": self.company.id, "user_id": self.clara.id}
        )
        for what, call, user in (
            ("spoke", lambda: self.talked(extension="101"), self.boris),
            ("rang", lambda: self.lost(extension="100"), self.anna),
            ("nobody", lambda: self.lost(extension=None), self.nobody),
        ):
            with self.fresh(what):
                call()
                lead = self.the_lead()
                self.assertEqual(lead.user_id, user)
        with self.fresh("the team's leader"):
            self.line.team_id = team
            self.lost(extension=None)
            self.assertEqual(self.the_lead().user_id, self.clara)
        with self.fresh("who left"):
            self.talked(extension="101")
            self.boris.active = False
            self.assertFalse(self.the_lead().user_id)

    def test_no_letter_to_who_spoke(self):
        before = self.env["mail.mail"].search_count([])
        self.talked()
        self.the_lead()
        self.assertEqual(self.env["mail.mail"].search_count([]), before)

    def test_odoo_assigns_what_nobody_has(self):
        team = self.env["crm.team"].create(
            {"name": "Harbour", "company_id": self.company.id, "use_leads": True}
        )
        self.env["crm.team.member"].create(
            {
                "crm_team_id": team.id,
                "user_id": self.clara.id,
                "assignment_max": 30,
            }
        )
        parameters = self.env["ir.config_parameter"]
        parameters.set_param("crm.lead.auto.assignment", True)
        self.line.team_id = team
        self.lost(extension=None)
        lead = self.the_lead()
        self.assertFalse(lead.user_id)
        team.with_context(crm_lead_assign_commit=False)._action_assign_leads(
            force_quota=True
        )
        self.assertEqual(lead.user_id, self.clara)

    def test_of_a_contact(self):
        partner = self.new_partner(street="1 Quay", city="London", email="o@p.test")
        call = self.lost()
        lead = self.the_lead()
        self.assertRecordValues(
            lead,
            [
                {
                    "partner_id": partner.id,
                    "contact_name": "Olga Petrova",
                    "email_from": "o@p.test",
                    "street": "1 Quay",
                    "city": "London",
                    "country_id": self.gb.id,
                }
            ],
        )
        self.assertEqual(call.partner_id, partner)

    def test_the_contact_keeps_its_number(self):
        partner = self.new_partner(phone="07400 123456")
        self.lost(300).with_user(self.supervisor).partner_id = partner
        self.made().unlink()
        self.lost()
        lead = self.the_lead()
        self.assertEqual((lead.partner_id, lead.phone_sanitized), (partner, CALLER))
        self.assertEqual(partner.phone, "07400 123456")

    def test_the_first_who_talks_has_it(self):
        """Whether they call again or are called, and whatever is wanted by then."""
        for what, talk, user in (
            ("called", lambda: self.dialled(20), self.boris),
            ("calls again", lambda: self.talked(20, extension="102"), self.clara),
            ("voicemail", lambda: self.dialled(20, seconds=3), self.nobody),
        ):
            for policy in ("always", "never"):
                with self.fresh(what, policy):
                    self.lost(extension=None)
                    lead = self.the_lead()
                    self.company.pbx_lead_policy = policy
                    talk()
                    self.talked(10, extension="100") if user else None
                    self.assertEqual(self.made(), lead)
                    self.assertEqual(lead.user_id, user)

    def test_called_back_before_the_job_ran(self):
        self.lost(60, extension=None)
        self.dialled(20)
        lead = self.made()
        self.run_job("rematch")
        self.assertEqual(self.made(), lead)
        self.assertEqual(lead.user_id, self.boris)

    def test_who_talked_before_does_not(self):
        self.company.pbx_lead_policy = "missed"
        talk = self.talked(90)
        self.lost(60, extension=None)
        lead = self.made()
        lead.user_id = False
        self.run_job("rematch")
        self.assertEqual(talk.lead_id, lead)
        self.made()
        self.assertFalse(lead.user_id)

    def test_it_stays_with_who_has_it(self):
        self.lost(extension=None)
        lead = self.the_lead()
        lead.user_id = self.anna
        self.dialled()
        self.made()
        self.assertEqual(lead.user_id, self.anna)

    def test_leads_by_hand_are_not_given(self):
        lead = self.new_lead()
        self.talked()
        self.made()
        self.assertFalse(lead.user_id)

    def test_from_the_form(self):
        source = self.env["utm.source"].create({"name": "Newspaper"})
        self.line.source_id = source
        self.company.pbx_lead_policy = "never"
        call = self.talked(extension="100").with_user(self.anna)
        action = call.action_create_lead()
        leads = self.env["crm.lead"].with_user(self.anna)
        lead = Form(leads.with_context(**action["context"])).save()
        self.assertEqual(lead.pbx_call_id, call)
        self.assertEqual(lead.sudo().pbx_line_id, self.line)
        self.assertEqual(lead.source_id, source)
        self.assertEqual(lead.medium_id, self.env.ref("utm.utm_medium_phone"))
        self.assertEqual(call.lead_id, lead)
        # Another one from the same form is not the call's.
        second = Form(leads.with_context(**action["context"])).save()
        self.assertFalse(second.pbx_call_id)

    def test_from_the_form_after_the_job(self):
        """Filling the form in takes longer than the job waits: still one lead."""
        source = self.env["utm.source"].create({"name": "Newspaper"})
        self.line.source_id = source
        call = self.talked(extension="100").with_user(self.anna)
        action = call.action_create_lead()
        made = self.the_lead()
        later = self.lost(5)
        self.assertEqual(self.the_lead(), made)
        leads = self.env["crm.lead"].with_user(self.anna)
        lead = Form(leads.with_context(**action["context"])).save()
        self.assertEqual(self.leads(), lead)
        self.assertEqual(lead.pbx_call_id, call)
        self.assertEqual(lead.source_id, source)
        self.assertEqual((call | later).lead_id, lead)
        self.lost(1)
        self.assertEqual(self.the_lead(), lead)

    def test_from_the_form_once_somebody_works_on_it(self):
        call = self.talked(extension="100").with_user(self.anna)
        action = call.action_create_lead()
        made = self.the_lead()
        made.with_user(self.anna).message_post(
            body="He wants a quotation.", message_type="comment"
        )
        leads = self.env["crm.lead"].with_user(self.anna)
        lead = Form(leads.with_context(**action["context"])).save()
        self.assertEqual(self.leads(), made | lead)
        self.assertEqual((made | lead).pbx_call_id, call.sudo())
        self.assertEqual(call.lead_id, made)

    def test_from_the_form_in_another_company(self):
        """Of an agent who works for two, with a team in the other one."""
        other = self.env["res.company"].create({"name": "Elsewhere"})
        both = (other | self.company).ids
        self.anna.write({"company_ids": [Command.link(other.id)]})
        self.anna.company_id = other
        self.env["crm.team"].with_context(allowed_company_ids=both).create(
            {
                "name": "Elsewhere",
                "company_id": other.id,
                "member_ids": [Command.set(self.anna.ids)],
                "sequence": -1,
            }
        )
        self.company.pbx_lead_policy = "never"
        partner = self.new_partner(company_id=self.company.id)
        call = self.talked(extension="100").with_user(self.anna)
        self.assertEqual(call.partner_id, partner)
        for first, second in (both, both[::-1]):
            with self.fresh(first):
                here = {"allowed_company_ids": [first, second]}
                call = call.with_context(**here)
                context = {**here, **call.action_create_lead()["context"]}
                leads = self.env["crm.lead"].with_user(self.anna)
                lead = Form(leads.with_context(**context)).save()
                self.assertEqual(lead.company_id, self.company)
                self.assertEqual(lead.partner_id, partner)
                self.assertEqual(lead.pbx_call_id, call)
                self.assertEqual(lead.user_id, self.anna)
                call = call.with_context(allowed_company_ids=both)
                call.lead_id = False

    def test_from_the_form_where_a_colleague_has_one(self):
        """Which this person may not see: both came from the call."""
        source = self.env["utm.source"].create({"name": "Newspaper"})
        self.line.source_id = source
        self.company.pbx_lead_policy = "never"
        theirs = self.new_lead(user_id=self.boris.id)
        call = self.talked(extension="100").with_user(self.anna)
        self.assertEqual(call.sudo().lead_id, theirs)
        context = call.action_create_lead()["context"]
        leads = self.env["crm.lead"].with_user(self.anna).with_context(**context)
        lead = Form(leads).save()
        self.assertEqual(lead.pbx_call_id, call)
        self.assertEqual(lead.sudo().pbx_line_id, self.line)
        self.assertEqual(lead.source_id, source)
        self.assertEqual(call.sudo().lead_id, theirs)
        # As ever: another one from the same form is not the call's.
        self.assertFalse(Form(leads).save().pbx_call_id)

    def test_from_the_form_before_the_line_is_told(self):
        source, other = self.env["utm.source"].create(
            [{"name": "Newspaper"}, {"name": "Fair"}]
        )
        self.line.source_id = source
        leads = self.env["crm.lead"].with_user(self.anna)
        for known in (leads.source_id, other):
            with self.fresh(known.name):
                fake = FakeOutboundCall(self, CALLER, "100", ago=ago(minutes=9))
                fake.send("NOTIFY_OUT_START", caller_id="")
                call = fake.call.with_user(self.anna)
                self.assertFalse(call.line_id)
                context = call.action_create_lead()["context"]
                form = Form(leads.with_context(**context))
                form.source_id = known
                lead = form.save()
                self.assertFalse(lead.sudo().pbx_line_id)
                fake.lift().end()
                self.assertEqual(call.line_id, self.line)
                self.assertEqual(lead.sudo().pbx_line_id, self.line)
                self.assertEqual(lead.source_id, known or source)
                self.assertEqual(lead.medium_id, self.env.ref("utm.utm_medium_phone"))

    def test_only_from_a_call_that_one_sees(self):
        call = self.talked(extension="100")
        made = self.the_lead()
        made.user_id = self.anna
        leads = self.env["crm.lead"].with_user(self.boris)
        values = {"name": "Mine", "pbx_new_from_call_id": call.id}
        for mark in ("made", "taken"):
            made.pbx_automatic = mark
            self.env.flush_all()
            self.env.invalidate_all()
            with self.assertRaises(AccessError), self.env.cr.savepoint():
                leads.create(values)
        self.assertEqual(self.leads(), made)

    def test_tagged_as_spam_later(self):
        call = self.lost()
        lead = self.the_lead()
        spam = self.env.ref("cloud_pbx.call_tag_spam")
        call.with_user(self.supervisor).tag_ids = spam
        self.assertFalse(lead.active)
        self.assertEqual(self.made(), lead)
        call.with_user(self.supervisor).tag_ids = False
        self.assertTrue(lead.active)
        self.assertEqual(self.made(), lead)
        lead.message_post(body="A real customer.", message_type="comment")
        call.with_user(self.supervisor).tag_ids = spam
        self.assertTrue(lead.active, "somebody works on it")

    def test_its_tag_becomes_spam_later(self):
        """Also of a call that was answered, and is no call-back of anybody's."""
        self.company.pbx_lead_policy = "unknown"
        tag = self.env["pbx.call.tag"].create({"name": "Survey"})
        call = self.talked(extension="100")
        lead = self.the_lead()
        call.with_user(self.anna).tag_ids = tag
        tag.is_spam = True
        self.run_job("tags")
        self.assertFalse(lead.active)
        tag.is_spam = False
        self.run_job("tags")
        self.assertTrue(lead.active)

    def test_what_run_as_writes_is_work_too(self):
        """The lead was made in that person's name."""
        call = self.talked(extension="100").with_user(self.anna)
        action = call.action_create_lead()
        made = self.the_lead()
        person = made.create_uid
        person.group_ids += self.env.ref("sales_team.group_sale_manager")
        made.with_user(person).expected_revenue = 500
        leads = self.env["crm.lead"].with_user(self.anna)
        lead = Form(leads.with_context(**action["context"])).save()
        self.assertEqual(self.leads(), made | lead)
        self.assertEqual(lead.pbx_call_id, call)
        call.sudo().tag_ids = self.env.ref("cloud_pbx.call_tag_spam")
        self.assertTrue(made.active)
        self.assertEqual(made.expected_revenue, 500)

    def test_who_has_no_phone_duplicates_leads_and_contacts(self):
        self.lost()
        groups = "sales_team.group_sale_manager,base.group_partner_manager"
        seller = self.new_user("seller", groups)
        copy = self.the_lead().with_user(seller).copy()
        self.assertFalse(copy.sudo().pbx_call_id)
        partner = self.env["res.partner"].create({"name": "Copied"})
        self.assertTrue(partner.with_user(seller).copy())

    def test_a_lead_by_hand_is_no_spam(self):
        call = self.lost()
        lead = self.new_lead()
        call.lead_id = lead
        call.tag_ids = self.env.ref("cloud_pbx.call_tag_spam")
        self.assertEqual(self.made(), lead)
        self.assertTrue(lead.active)

    def test_nobody_writes_where_it_came_from(self):
        call = self.lost()
        lead = self.new_lead(STRANGER, user_id=self.anna.id).with_user(self.anna)
        for values in ({"pbx_call_id": call.id}, {"pbx_line_id": self.line.id}):
            with self.assertRaises(AccessError):
                lead.write(values)
            with self.assertRaises(AccessError):
                lead.create({"name": "Mine", **values})
            # A list that is grouped by line sends it with all that is done there.
            defaults = {f"default_{name}": value for name, value in values.items()}
            mine = lead.with_context(**defaults).create({"name": "Mine"})
            mine.with_context(**defaults).priority = "2"
            self.assertFalse(mine.sudo().pbx_call_id or mine.sudo().pbx_line_id)
        self.assertFalse(self.leads().filtered("pbx_call_id"))

    def test_leads_of_before_are_not_computed(self):
        """An upgrade does not look at a million leads, none of which is from a call."""
        self.lost()
        lead = self.the_lead()
        self.assertTrue(lead.pbx_line_id)
        self.env.flush_all()
        self.env.cr.execute("ALTER TABLE crm_lead DROP COLUMN pbx_line_id")
        self.env.invalidate_all()
        registry = self.env.registry
        registry.init_models(self.env.cr, ["crm.lead"], {}, install=False)
        self.assertFalse(lead.pbx_line_id, "looked at, it would be known again")

    def test_another_company_sees_nothing(self):
        self.lost()
        lead = self.the_lead()
        other = self.env["res.company"].create({"name": "Elsewhere"})
        groups = "cloud_pbx.group_pbx_manager,sales_team.group_sale_manager"
        theirs = self.new_user("lead_other", groups, other)
        leads = self.env["crm.lead"].with_user(theirs)
        leads = leads.with_context(allowed_company_ids=other.ids)
        for domain in (
            [("pbx_call_id", "!=", False)],
            [("pbx_line_id.number", "=", LINE)],
            [("pbx_call_id.number", "=", CALLER)],
            [("id", "=", lead.id)],
        ):
            self.assertFalse(leads.search(domain))
            self.assertFalse(leads._read_group(domain, ["pbx_line_id"]))

    def test_another_company_sees_no_names(self):
        """Of a lead without a company, which all see, or of theirs."""
        self.line.name = "Fox line"
        self.new_partner("Olga Fox")
        call = self.lost()
        lead = self.the_lead()
        other = self.env["res.company"].create({"name": "Elsewhere"})
        groups = "cloud_pbx.group_pbx_manager,sales_team.group_sale_manager"
        theirs = self.new_user("lead_other", groups, other)
        ours = self.new_user("lead_ours", groups)
        lead.partner_id = False
        names = ["pbx_call_id", "pbx_line_id"]
        shown = {name: {"fields": {"display_name": {}}} for name in names}
        for company in (other, other.browse()):
            lead.write({"team_id": False, "user_id": False, "name": "Found"})
            lead.company_id = company
            for user, is_seen in ((theirs, False), (ours, True)):
                with self.subTest(user.name, company=company.name):
                    self.env.flush_all()
                    self.env.invalidate_all()
                    here = lead.with_user(user).with_context(
                        allowed_company_ids=user.company_ids.ids
                    )
                    if company and user == ours:
                        self.assertFalse(here.has_access("read"))
                        continue
                    seen = [
                        here.read(names),
                        here.web_read(shown),
                        here._read_group([("id", "=", lead.id)], ["pbx_line_id"]),
                        here.formatted_read_group(
                            [("id", "=", lead.id)], ["pbx_line_id"], ["__count"]
                        ),
                        here.search(
                            [("id", "=", lead.id), ("pbx_line_id", "ilike", "Fox")]
                        ),
                        here.search(
                            [("id", "=", lead.id), ("pbx_call_id", "ilike", "Fox")]
                        ),
                    ]
                    self.assertEqual("Fox" in str(seen), is_seen, seen)
                    self.assertEqual(bool(seen[-1] or seen[-2]), is_seen)
        self.assertEqual(call.with_user(self.supervisor).display_name, "Olga Fox")


@tagged("post_install", "-at_install")
class TestLeadJob(LeadCase):
    def test_woken_when_the_call_ends(self):
        job = self.env.ref("cloud_pbx.ir_cron_leads")

        def triggers():
            self.env.cr.flush()
            return self.env["ir.cron.trigger"].search_count([("cron_id", "=", job.id)])

        fake = FakeCall(self, CALLER, ago=ago(minutes=1)).start().ring("100")
        self.assertFalse(triggers())
        fake.give_up()
        self.assertEqual(triggers(), 1)
        self.company.pbx_lead_policy = "never"
        self.lost(caller=STRANGER)
        self.assertEqual(triggers(), 1)
        self.line.lead_policy = "missed"
        self.lost(caller=STRANGER)
        self.assertEqual(triggers(), 2)

    def test_a_call_that_may_go_on_waits(self):
        """Where a later leg may take the end of a missed call back."""
        self.patch(Zadarma, "reopens", True)
        fake = FakeCall(self, CALLER, ago=ago(seconds=15)).start().ring("100")
        call = fake.give_up().call
        self.run_job("leads")
        self.assertFalse(self.leads())
        self.assertGreater(call.lead_after, fields.Datetime.now())
        with self.subTest("it went on"), self.env.cr.savepoint() as savepoint:
            self.company.pbx_lead_policy = "missed"
            fake.lift("100").end("100")
            self.assertEqual(call.outcome, "answered")
            call.lead_after = fields.Datetime.now()
            self.assertFalse(self.made())
            savepoint.rollback()
        self.env.invalidate_all()
        call.write(
            {"stop": call.stop - ago(seconds=31), "lead_after": fields.Datetime.now()}
        )
        self.the_lead()

    def test_the_call_back_follows_a_lead_that_was_there(self):
        call = self.lost(extension=None)
        lead = self.new_lead(user_id=self.clara.id)
        self.made()
        promise = call.promise_id
        self.assertEqual((promise.lead_id, promise.user_id), (lead, self.clara))

    def test_one_that_fails_holds_no_other_up(self):
        first = self.lost(60)
        second = self.lost(50, caller=STRANGER)
        # No lead can be created with that.
        self.env.cr.execute(
            "ALTER TABLE crm_lead ADD CONSTRAINT no_such_lead "
            "CHECK (phone_sanitized IS DISTINCT FROM %s)",
            [CALLER],
        )
        with log_lines(*MAKER_LOGS, "odoo.sql_db") as log:
            self.run_job("leads")
        self.assertIn(f"Call {first.id}: no lead could be made", str(log))
        self.assertEqual(self.leads(), second.lead_id)
        self.assertGreater(first.lead_after, fields.Datetime.now() + ago(minutes=4))
        self.env.cr.execute("ALTER TABLE crm_lead DROP CONSTRAINT no_such_lead")
        first.lead_after = fields.Datetime.now()
        self.assertEqual(len(self.made()), 2)

    def test_what_moved_to_another_company(self):
        """The line's team, or the contact: the lead is made without it."""
        other = self.env["res.company"].create({"name": "Elsewhere"})
        team = self.env["crm.team"].create(
            {"name": "Moves", "company_id": self.company.id}
        )
        self.line.team_id = team
        partner = self.new_partner(company_id=self.company.id)
        call = self.lost()
        self.assertEqual((call.team_id, call.partner_id), (team, partner))
        for company in (self.company, other, self.env["res.company"]):
            with self.fresh(company.name):
                team.company_id = partner.company_id = company
                lead = self.the_lead()
                self.assertEqual(lead.pbx_call_id, call)
                self.assertEqual(lead.company_id, self.company)
                is_other = company == other
                self.assertEqual(lead.team_id == team, not is_other)
                self.assertEqual(lead.partner_id == partner, not is_other)

    def test_a_company_each(self):
        """The same caller in two companies: each has its own."""
        other = self.env["res.company"].create(
            {"name": "Elsewhere", "country_id": self.gb.id, "pbx_lead_policy": "missed"}
        )
        robot = self.new_user("lead_robot", "cloud_pbx.group_pbx_manager", other)
        provider = self.new_provider(other, robot, "theirs")
        self.lost()
        call = self.lost(provider=provider, extension=None)
        self.made()
        lead = call.lead_id
        self.assertEqual((lead.company_id, lead.create_uid), (other, robot))
        self.assertEqual(len(self.leads()), 1)

    def test_joined_calls_keep_their_lead(self):
        gone, kept = self.lost(60), self.talked(30, caller=STRANGER)
        lead = self.made().filtered(lambda one: one.pbx_call_id == gone)
        self.env["crm.lead"]._call_merged(gone, kept)
        self.assertEqual(lead.pbx_call_id, kept)

    def test_statements(self):
        """What a lead costs is bounded, and does not grow with the calls of before."""
        counts = []
        for number in range(8):
            caller = f"+4420794604{number:02}"
            self.lost(60, caller=caller)
            before = self.env.cr.sql_log_count
            self.run_job("leads")
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(max(counts[1:]), MAX_PER_LEAD)
        self.assertLessEqual(max(counts[4:]), max(counts[1:4]))

    def test_line_form(self):
        with Form(self.line.with_user(self.supervisor)) as form:
            form.lead_policy = "missed"
        self.assertEqual(self.line.lead_policy, "missed")

    def test_by_line(self):
        self.talked()
        lead = self.the_lead()
        lead.expected_revenue = 500
        leads = self.env["crm.lead"].with_user(self.boris)
        found = leads._read_group(
            [("id", "=", lead.id)], ["pbx_line_id"], ["expected_revenue:sum"]
        )
        self.assertEqual(found, [(self.line, 500)])


@tagged("post_install", "-at_install")
class TestLeadHistory(LeadCase, HistoryCase):
    def played(self, plan, minutes=60, **end):
        """Have the events of a plan received, what END says changed."""
        steps = [
            step._replace(fields={**step.fields, **end})
            if step.event == "NOTIFY_END"
            else step
            for step in plan.steps
        ]
        self.put(steps, self.now - ago(minutes=minutes))
        self.run_job("apply_events")

    def test_found_later(self):
        """Lost while we were down, three days ago and four."""
        self.happened("missed", ago=ago(hours=70), caller=CALLER)
        self.happened("missed", ago=ago(hours=74), caller=STRANGER)
        self.period(start=self.now - ago(days=5), stop=self.now)
        self.run_job("fetch_history")
        self.assertEqual(len(self.calls()), 2)
        self.assertEqual(self.the_lead().phone_sanitized, CALLER)

    def test_the_talk_was_none(self):
        """What the end of a call says is not signed: the past calls count."""
        self.company.pbx_lead_policy = "missed"
        plan = self.happened("missed", caller=CALLER)
        self.played(plan, disposition="answered", duration="20", internal="100")
        call = self.the_call()
        self.assertEqual(call.outcome, "answered")
        self.assertFalse(self.made())
        self.fetch()
        self.assertEqual((call.outcome, call.corrected), ("missed", True))
        lead = self.the_lead()
        self.assertEqual((call.lead_id, lead.pbx_call_id), (lead, call))

    def test_it_was_a_talk(self):
        """The lead stays, and is of who spoke."""
        self.company.pbx_lead_policy = "missed"
        plan = self.happened("answered", caller=CALLER)
        plan.steps[:] = [one for one in plan.steps if one.event != "NOTIFY_ANSWER"]
        self.played(plan, disposition="cancel", duration="0", internal="")
        call = self.the_call()
        self.assertEqual(call.outcome, "missed")
        lead = self.the_lead()
        lead.user_id = False
        self.fetch()
        self.assertEqual(call.outcome, "answered")
        self.assertEqual(self.the_lead(), lead)
        self.assertEqual(lead.user_id, call.user_id)

    def test_once_more_is_nothing(self):
        plan = self.happened("missed", caller=CALLER)
        self.played(plan)
        lead = self.the_lead()
        lead.unlink()
        self.fetch()
        self.assertFalse(self.made())
