"""Lines: who makes them, what calls take over from them, and who may change what."""

from datetime import timedelta

from psycopg2.errors import SerializationFailure

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, tagged

from ..models.call.lines import COPIED
from ..models.call.log import CallLog
from ..telephony.event import INBOUND, LOGGED, CallEvent
from .common import (
    CALLER,
    LINE,
    LOCAL_NOON,
    REF,
    PbxCase,
    PbxHttpCase,
    log_lines,
    scenarios,
)
from .fake_pbx import FakePbxCase

OTHER_LINE = "+442079460901"
# A customer's, to whom a call is forwarded.
MOBILE = "+447400123456"


class LineCase(PbxCase):
    def lines(self, provider=None):
        self.env.invalidate_all()
        return (
            self.env["pbx.line"]
            .with_context(active_test=False)
            .search([("provider_id", "=", (provider or self.provider).id)], order="id")
        )

    def marketing(self, name):
        """Team, source, medium and campaign of a line, as its values."""
        return {
            "team_id": self.env["crm.team"]
            .create({"name": name, "company_id": self.company.id})
            .id,
            **{
                f"{kind}_id": self.env[f"utm.{kind}"].create({"name": name}).id
                for kind in ("source", "medium", "campaign")
            },
        }

    def copied(self, call):
        return {name: call[name].id for name in COPIED if name != "line_id"}

    def row(self, ref, line, seconds=0, direction=INBOUND):
        """A past call, as the PBX's history tells it."""
        start = fields.Datetime.now() - timedelta(days=1, seconds=seconds)
        parties = {"caller": CALLER, "called": line}
        if direction != INBOUND:
            parties = {"caller": line, "called": CALLER}
        return CallEvent(
            kind=LOGGED,
            ref=ref,
            direction=direction,
            received_at=fields.Datetime.now(),
            started=(start,),
            extension="100",
            disposition="answered",
            talk=30,
            **parties,
        )

    def log(self):
        return CallLog(self.env, self.provider._settings(self.provider.id))


@tagged("post_install", "-at_install")
class TestLinesOfCalls(LineCase):
    def test_what_follows_the_closed_message(self):
        """It is written as the PBX writes it, as the targets of rules are."""
        self.tell("answered")
        line = self.lines()[:1]
        with self.assertRaises(ValidationError):
            line.closed_target = "no such thing!"
        line.closed_target = "0-2"
        line.closed_target = False

    def test_the_first_call_makes_its_line_and_has_it(self):
        call = self.tell("answered", line=LINE)
        line = self.lines()
        self.assertCall(call, line_id=line, line=LINE)
        self.assertRecordValues(
            line,
            [
                {
                    "number": LINE,
                    "company_id": self.company.id,
                    "active": True,
                    "from_pbx": False,
                    "lead_policy": "company",
                    "medium_id": self.env.ref("utm.utm_medium_phone").id,
                    "team_id": False,
                }
            ],
        )
        self.assertEqual(call.medium_id, line.medium_id)
        for number in range(3):
            self.tell("missed", line=LINE, pbx_call_id=f"in_{number}")
        self.assertEqual(self.lines(), line)
        self.assertEqual(self.calls().line_id, line)
        self.assertEqual(line.with_user(self.supervisor).call_count, 4)
        self.tell("missed", line=OTHER_LINE, pbx_call_id="in_other")
        self.assertEqual(self.lines().mapped("number"), [LINE, OTHER_LINE])

    def test_which_calls_make_a_line(self):
        for name, parameters, made in (
            ("missed", {"line": LINE}, True),
            ("withheld", {"line": LINE}, True),
            ("answered", {"line": ""}, False),
            ("outbound", {"line": LINE}, False),
            ("extension_to_extension", {}, False),
        ):
            with self.fresh(name, **parameters):
                call = self.tell(name, **parameters)[-1]
                self.assertEqual(bool(self.lines()), made)
                self.assertEqual(bool(call.line_id), made)

    def test_each_pbx_has_its_own(self):
        other = self.new_provider(self.company, self.robot, "second")
        here = self.tell("missed", line=LINE)
        there = self.tell("missed", line=LINE, provider=other, pbx_call_id="in_2")
        self.assertEqual(here.line_id, self.lines())
        self.assertEqual(there.line_id, self.lines(other))
        self.assertNotEqual(here.line_id, there.line_id)

    def test_one_spelling_is_enough(self):
        """A number whose plan has changed is one line, however it is told."""
        line = self.env["pbx.line"].create(
            {"provider_id": self.provider.id, "number": "+5215512345678"}
        )
        [call] = self.tell("missed", line="+525512345678")
        self.assertEqual(call.line_id, line)
        self.assertEqual(self.lines(), line)

    def test_an_archived_line_stays_archived(self):
        [call] = self.tell("missed", line=LINE)
        call.line_id.active = False
        again = self.tell("missed", line=LINE, pbx_call_id="in_2") - call
        self.assertEqual(again.line_id, call.line_id)
        self.assertFalse(self.lines().active)

    def test_a_removed_line_leaves_its_calls(self):
        values = self.marketing("Spring")
        line = self.env["pbx.line"].create(
            {"provider_id": self.provider.id, "number": LINE, **values}
        )
        [call] = self.tell("answered", line=LINE)
        line.unlink()
        self.env.invalidate_all()
        self.assertFalse(call.line_id)
        self.assertEqual((call.line, self.copied(call)), (LINE, values))
        # What is told of it later is about the past: no line is made of that.
        self.log().add_history({call.ref: [self.row(call.ref, LINE)]})
        self.assertFalse(self.lines())
        # The next call makes it anew.
        new = self.tell("answered", line=LINE, pbx_call_id="in_2") - call
        self.assertEqual(new.line_id, self.lines())

    # ------------------------------------------------------------------ what is kept

    def test_calls_keep_what_the_line_had_when_they_came(self):
        spring, autumn = self.marketing("Spring"), self.marketing("Autumn")
        line = self.env["pbx.line"].create(
            {"provider_id": self.provider.id, "number": LINE, **spring}
        )
        first = self.tell("ring_group", line=LINE)
        line.write(autumn)
        second = self.tell("missed", line=LINE, pbx_call_id="in_2") - first
        self.assertEqual(self.copied(first), spring)
        self.assertEqual(self.copied(second), autumn)
        line.write(dict.fromkeys(spring, False))
        third = self.tell("missed", line=LINE, pbx_call_id="in_3") - first - second
        self.assertFalse(any(self.copied(third).values()))
        for call, expected in ((first, spring), (second, autumn)):
            self.assertEqual(self.copied(call), expected)
            self.assertEqual(call.line_id, line)

    def test_a_call_keeps_it_while_it_goes_on(self):
        spring, autumn = self.marketing("Spring"), self.marketing("Autumn")
        line = self.env["pbx.line"].create(
            {"provider_id": self.provider.id, "number": LINE, **spring}
        )
        steps = scenarios.scenario("answered", line=LINE, call_start=LOCAL_NOON)
        self.put(steps[:1])
        self.run_job("apply_events")
        line.write(autumn)
        self.put(steps[1:], gap=5)
        self.run_job("apply_events")
        call = self.the_call()
        self.assertEqual((call.state, self.copied(call)), ("done", spring))

    def test_history_copies_and_corrects_nothing(self):
        spring, autumn = self.marketing("Spring"), self.marketing("Autumn")
        line = self.env["pbx.line"].create(
            {"provider_id": self.provider.id, "number": LINE, **spring}
        )
        live = self.tell("missed", line=LINE, pbx_call_id=REF)
        line.write(autumn)
        groups = {REF: [self.row(REF, LINE)], "in_old": [self.row("in_old", LINE, 90)]}
        self.log().add_history(groups)
        old = self.calls() - live
        self.assertEqual(self.copied(live), spring)
        self.assertEqual(self.copied(old), autumn)
        line.write(spring)
        self.log().add_history(groups)
        self.assertEqual(self.copied(old), autumn)

    def test_outgoing_calls_have_the_line_that_is_shown(self):
        line = self.env["pbx.line"].create(
            {"provider_id": self.provider.id, "number": LINE, **self.marketing("Ad")}
        )
        for shown, expected in ((LINE, line), (OTHER_LINE, line.browse())):
            with self.fresh(shown):
                [call] = self.tell("outbound", line=shown)
                self.assertCall(call, line=shown, line_id=expected)
                self.assertEqual(call.source_id, expected.source_id)
        self.assertEqual(self.lines(), line)

    # ------------------------------------------------------------------ many at a time

    def test_history_makes_lines_together(self):
        called = [f"+4420794609{n:02}" for n in range(20)]

        def groups(prefix, numbers):
            return {
                f"{prefix}_{n}": [self.row(f"{prefix}_{n}", line, 600 * n)]
                for n, line in enumerate(numbers)
            }

        log = self.log()
        log.add_history(groups("warm", [LINE]))

        def cost(history):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.log().add_history(history)
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        one = cost(groups("one", [LINE] * 20))
        many = cost(groups("many", called))
        calls = self.calls().filtered(lambda call: call.ref.startswith("many"))
        self.assertEqual(calls.mapped("line_id.number"), called)
        # One statement for all of them, and what has to be read anew afterwards.
        self.assertLessEqual(many, one + 6)

    def test_what_history_alone_names_may_be_anybodys(self):
        """The PBX lists its lines: another number is whom a call was forwarded to."""
        self.env["pbx.line"].create(
            {"number": LINE, "provider_id": self.provider.id, "from_pbx": True}
        )
        self.log().add_history({REF: [self.row(REF, OTHER_LINE)]})
        self.assertCall(self.the_call(), line=False, line_id=self.env["pbx.line"])
        self.assertEqual(self.lines().mapped("number"), [LINE])

    def test_who_lifted_may_be_anybody(self):
        """The PBX lists its lines, and tells first that a mobile lifted."""
        self.env["pbx.line"].create(
            {"number": LINE, "provider_id": self.provider.id, "from_pbx": True}
        )
        partner = self.new_partner("Zoltan", MOBILE)
        answer, end = scenarios.scenario("answered", call_start=LOCAL_NOON)[2:4]
        answer.fields["destination"] = MOBILE
        self.put([answer]).action_replay()
        self.assertCall(self.the_call(), line=False, line_id=self.env["pbx.line"])
        self.put([end]).action_replay()
        self.assertCall(self.the_call(), line=LINE, line_id=self.lines())
        self.assertEqual(self.lines().mapped("number"), [LINE])
        self.assertEqual(self.who_has(MOBILE).partner_id, partner.id)

    def test_no_line_is_made_of_somebody_s_number(self):
        """The PBX lists none: what is told in doubt is a contact's, a lead's, ours."""
        lead = {"name": "Boats", "phone": MOBILE, "country_id": self.gb.id}
        own_card = self.company.partner_id
        cases = (
            ("nobody's", lambda: None, MOBILE),
            ("a contact's", lambda: self.new_partner("Zoltan", MOBILE), False),
            ("a lead's", lambda: self.env["crm.lead"].create(lead), False),
            ("our own card's", lambda: own_card.write({"phone": MOBILE}), MOBILE),
            (
                "our colleague's",
                lambda: self.new_partner("Zoltan", MOBILE, parent_id=own_card.id),
                MOBILE,
            ),
        )
        for name, make, line in cases:
            for bystanders in (0, 1):
                with self.fresh(name, bystanders):
                    make()
                    rows = {REF: [self.row(REF, MOBILE)]}
                    if bystanders:
                        rows["in_2"] = [self.row("in_2", OTHER_LINE, 600)]
                    self.log().add_history(rows)
                    call = self.calls().filtered(lambda call: call.ref == REF)
                    self.assertCall(call, line=line)
                    made = {line, bystanders and OTHER_LINE} - {0}
                    self.assertEqual(set(self.lines().mapped("number")), made)

    def test_a_line_that_was_none_is_archived(self):
        """A customer whose number was taken for a line is found and dialled again."""
        self.log().add_history({REF: [self.row(REF, MOBILE)]})
        partner = self.new_partner("Zoltan", MOBILE)
        self.tell("missed", caller=MOBILE, line=LINE, pbx_call_id="in_2")
        called = self.calls().filtered(lambda call: call.number == MOBILE)
        self.assertFalse(called.partner_id)
        self.assertTrue(self.who_has(MOBILE).is_own)
        wrong = self.lines().filtered(lambda line: line.number == MOBILE)
        wrong.active = False
        self.run_job("rematch")
        self.assertEqual(called.partner_id, partner)
        self.assertEqual(self.who_has(MOBILE).partner_id, partner.id)
        settings = self.provider._settings(self.provider.id)
        self.assertFalse(self.env["pbx.directory"]._is_own(settings, MOBILE))
        # Rows of such calls come again.
        self.log().add_history({"in_3": [self.row("in_3", MOBILE, 900)]})
        self.assertEqual(self.who_has(MOBILE).partner_id, partner.id)
        wrong.active = True
        self.assertTrue(self.who_has(MOBILE).is_own)

    def who_has(self, number):
        settings = self.provider._settings(self.provider.id)
        return self.env["pbx.directory"]._find(settings, number)

    def test_lines_of_calls_do_not_hide_each_other(self):
        """Of a PBX that lists none each line is made by its first call."""
        for number, line in enumerate((LINE, OTHER_LINE)):
            ref = f"in_{number}"
            self.log().add_history({ref: [self.row(ref, line, 600 * number)]})
        self.assertEqual(self.calls().mapped("line"), [LINE, OTHER_LINE])
        self.assertEqual(self.lines().mapped("number"), [LINE, OTHER_LINE])

    # ------------------------------------------------------------------- two at once

    def test_two_first_calls_at_once_make_one_line(self):
        """The second waits for the first, begins anew, and finds its line."""
        number = "+442079460977"
        with self.in_two_transactions() as (one, two):

            def add(provider):
                lines, company_id = provider.env["pbx.line"], provider.company_id.id
                return lines._add_called(provider.id, company_id, [number])

            self.assertFalse(two.line_ids)  # its snapshot
            made = add(one)
            one.env.cr.commit()
            with self.assertRaises(SerializationFailure):
                add(two)
            two.env.cr.rollback()
            self.assertEqual(add(two), made)

    def test_a_first_call_while_the_pbx_lists_its_lines(self):
        """Who connects begins anew, and gives the line of the call its name."""
        number = "+442079460978"
        with self.in_two_transactions() as (one, two):

            def list_lines(provider):
                provider.env["pbx.line"]._add_listed(provider, {number: "Sales"})

            self.assertFalse(two.line_ids)  # its snapshot
            lines, company_id = one.env["pbx.line"], one.company_id.id
            lines._add_called(one.id, company_id, [number])
            one.env.cr.commit()
            with self.assertRaises(SerializationFailure):
                list_lines(two)
            two.env.cr.rollback()
            list_lines(two)
            line = two.line_ids
            self.assertEqual((line.number, line.name), (number, "Sales"))
            self.assertTrue(line.from_pbx)

    def test_what_was_removed_at_this_moment_is_no_failed_event(self):
        """A worker remembers a line, or its team, that is gone: it begins anew."""
        values = self.marketing("Spring")
        line = self.env["pbx.line"].create(
            {"provider_id": self.provider.id, "number": LINE, **values}
        )
        # Older than any transaction: what is remembered of it is not looked at anew.
        self.env.cr.execute("UPDATE pbx_line SET create_date = '2026-01-01'")
        self.env.invalidate_all()
        self.env.registry.clear_cache()
        self.tell("missed", line=LINE)
        for table, record_id in (
            ("crm_team", values["team_id"]),
            ("pbx_line", line.id),
        ):
            with self.subTest(table):
                self.env["pbx.line"]._known(self.provider.id)
                self.env.flush_all()
                # As another worker does it: nobody here forgets anything.
                self.env.cr.execute(f"DELETE FROM {table} WHERE id = %s", [record_id])
                self.env.invalidate_all()
                ref = f"in_{table}"
                with log_lines("odoo.sql_db") as logged:
                    self.tell("missed", line=LINE, pbx_call_id=ref)
                self.assertIn("violates foreign key constraint", str(logged))
                call = self.calls().filtered(lambda one, ref=ref: one.ref == ref)
                self.assertEqual(call.line_id.number, LINE)
                self.assertEqual(set(self.events().mapped("state")), {"done"})


@tagged("post_install", "-at_install")
class TestLineRights(LineCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.line = cls.env["pbx.line"].create(
            {"provider_id": cls.provider.id, "number": LINE, "name": "Sales"}
        )
        cls.admin = cls.new_user("line_admin", "base.group_system")
        cls.clerk = cls.new_user("line_clerk", "base.group_user")

    def test_who_may_write_what(self):
        other = self.new_provider(self.company, self.robot, "second")
        changes = {
            "name": {"name": "Hotline"},
            "user": {"user_id": self.anna.id},
            "policy": {"lead_policy": "never"},
            "marketing": self.marketing("Spring"),
            "active": {"active": False},
            "number": {"number": OTHER_LINE},
            "provider": {"provider_id": other.id},
            "listed": {"from_pbx": True},
        }
        supervisor = {"name", "user", "policy", "marketing"}
        for user, allowed in (
            (self.clerk, set()),
            (self.anna, set()),
            (self.supervisor, supervisor),
            (self.admin, supervisor | {"active"}),
        ):
            mine = self.line.with_user(user)
            for what, values in changes.items():
                with self.fresh(user.name, what):
                    if what in allowed:
                        mine.write(values)
                        continue
                    with self.assertRaises(AccessError):
                        mine.write(values)
                    with self.assertRaises(AccessError):
                        mine.web_save(values, {"display_name": {}})

    def test_agents_read_it(self):
        self.assertEqual(self.line.with_user(self.anna).name, "Sales")
        self.assertEqual(
            self.line.with_user(self.anna).display_name, "Sales (+44 20 7946 0900)"
        )
        with self.assertRaises(AccessError):
            self.line.with_user(self.clerk).read(["name"])

    def test_another_company_never(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        groups = "cloud_pbx.group_pbx_manager,base.group_system"
        theirs = self.new_user("line_other", groups, other)
        call = self.tell("missed", line=LINE)
        lines = self.env["pbx.line"].with_user(theirs)
        lines = lines.with_context(allowed_company_ids=other.ids)
        self.assertFalse(lines.search([("number", "=", LINE)]))
        self.assertFalse(lines.name_search(LINE))
        self.assertFalse(lines._read_group([("id", "=", self.line.id)], ["number"]))
        with self.assertRaises(AccessError):
            lines.browse(self.line.id).read(["name"])
        calls = self.env["pbx.call"].with_user(theirs)
        calls = calls.with_context(allowed_company_ids=other.ids)
        self.assertFalse(calls.search([("line_id.number", "=", LINE)]))
        self.assertFalse(calls.search([("line_id", "=", call.line_id.id)]))

    def test_calls_are_counted_as_they_are_seen(self):
        self.tell("missed", extension="101", line=LINE)
        self.tell("answered", extension="100", line=LINE, pbx_call_id="in_2")
        counts = {
            user.name: self.line.with_user(user).call_count
            for user in (self.anna, self.supervisor)
        }
        self.assertEqual(counts, {"Anna": 1, "Supervisor": 2})
        # An administrator without a phone reads lines, and no calls.
        fields_of_admin = self.line.with_user(self.admin).fields_get()
        self.assertNotIn("call_count", fields_of_admin)

    def test_form(self):
        line = self.line.with_user(self.supervisor)
        with Form(line) as form:
            form.name = "Hotline"
            form.user_id = self.anna
            form.source_id = self.env["utm.source"].search([], limit=1)
            self.assertIn("closed_sound", form._view["fields"])
            self.assertIn("lead_policy", form._view["fields"])
            self.assertNotIn("active", form._view["fields"])
        self.assertEqual((self.line.name, self.line.user_id), ("Hotline", self.anna))
        action = self.env.ref("cloud_pbx.pbx_line_calls_action")
        self.assertEqual(action.res_model, "pbx.call")

    def test_closed_message_only_where_the_pbx_takes_answers(self):
        for dialect, shown in (("zadarma", True), ("beeline", False)):
            with self.fresh(dialect):
                self.provider.dialect = dialect
                self.env.invalidate_all()
                self.assertEqual(self.line.can_answer_routing, shown)

    def test_groupings(self):
        values = self.marketing("Spring")
        self.line.write(values)
        self.tell("missed", line=LINE)
        self.tell("outbound", line=OTHER_LINE, pbx_call_id="out_1")
        calls = self.env["pbx.call"].with_user(self.supervisor)
        ours = [("provider_id", "=", self.provider.id)]
        for name in ("line_id", "team_id", "source_id", "campaign_id"):
            groups = calls.formatted_read_group(ours, [name], ["__count"])
            self.assertEqual([group["__count"] for group in groups], [1, 1], name)
            shown = groups[0][name][1]
            self.assertIn("Sales" if name == "line_id" else "Spring", shown)

    def test_found_by_number_in_any_style(self):
        lines = self.env["pbx.line"].with_user(self.supervisor)
        for text in ("020 7946 0900", "+442079460900", "Sales", "7946 0900"):
            found = lines.search([("display_name", "ilike", text)])
            self.assertIn(self.line, found, text)


@tagged("post_install", "-at_install")
class TestLinesOfPbx(FakePbxCase, LineCase, PbxHttpCase):
    def connect(self):
        with self.webhook_open():
            self.provider.action_connect()
        self.env.invalidate_all()

    def number(self, number):
        return self.lines().filtered(lambda line: line.number == number)

    def test_connect_archives_only_what_the_pbx_listed(self):
        """A line that only calls know is not the PBX's to end."""
        unlisted = "+442079460955"
        self.tell("missed", line=unlisted)
        self.connect()
        self.assertTrue(self.number(LINE).from_pbx)
        self.assertFalse(self.number(unlisted).from_pbx)
        name = self.pbx.account.lines.pop("442079460900")
        self.connect()
        self.assertFalse(self.number(LINE).active)
        self.assertTrue(self.number(unlisted).active)
        # It lists it again: in use again.
        self.pbx.account.lines["442079460900"] = name
        self.connect()
        self.assertTrue(self.number(LINE).active)
        self.assertTrue(self.number(LINE).from_pbx)

    def test_what_a_person_archived_stays_so(self):
        self.connect()
        self.number(LINE).active = False
        self.connect()
        self.assertFalse(self.number(LINE).active)

    def test_a_line_that_a_call_made_is_taken_over(self):
        call = self.tell("missed", line=LINE)
        call.line_id.name = "Ours"
        self.connect()
        line = self.number(LINE)
        self.assertEqual(line, call.line_id)
        self.assertEqual((line.from_pbx, line.name), (True, "Ours"))
        self.assertEqual(line.pbx_name, "Main line")


@tagged("post_install", "-at_install")
class TestMergedPeople(LineCase):
    def test_leads_hand_over_calls_call_backs_and_the_first_call(self):
        for place, name in enumerate(("Rope", "Chain", "Anchor")):
            self.tell(
                "missed",
                line=LINE,
                caller=f"+44207946020{place}",
                pbx_call_id=f"in_{name}",
                call_start=f"2026-06-16 13:0{place}:00",
            )
        calls = self.calls()
        leads = self.env["crm.lead"].create(
            [
                {
                    "name": name,
                    "type": "opportunity",
                    "company_id": self.company.id,
                    "user_id": self.anna.id,
                    "team_id": False,
                }
                for name in ("Rope", "Chain", "Anchor")
            ]
        )
        promises = self.env["pbx.promise"].sudo()
        for place, (lead, call) in enumerate(zip(leads, calls, strict=True)):
            call.lead_id = lead
            promises |= promises.create(
                {
                    "company_id": self.company.id,
                    "provider_id": self.provider.id,
                    "number": f"+44207946088{place}",
                    "lead_id": lead.id,
                    "opened_at": call.stop,
                    "deadline": call.stop,
                }
            )
        # The head has none; of the others the later one is not the first.
        leads[1].sudo().pbx_call_id = calls[1]
        leads[2].sudo().pbx_call_id = calls[2]
        self.assertEqual(leads[2].sudo().pbx_line_id, self.lines())
        merged = leads.merge_opportunity()
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(leads.exists(), merged)
        self.assertEqual(calls.lead_id, merged)
        self.assertEqual(promises.lead_id, merged)
        self.assertEqual(merged.sudo().pbx_call_id, calls[1])
        self.assertEqual(merged.sudo().pbx_line_id, self.lines())

    def test_contacts_hand_over_their_call_backs(self):
        two = self.new_partner("Olga"), self.new_partner("O. Petrova", False)
        promise = self.env["pbx.promise"].create(
            {
                "company_id": self.company.id,
                "number": CALLER,
                "partner_id": two[1].id,
                "opened_at": fields.Datetime.now(),
                "deadline": fields.Datetime.now(),
            }
        )
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge([one.id for one in two], two[0], extra_checks=False)
        self.env.invalidate_all()
        self.assertEqual(promise.partner_id, two[0])


@tagged("post_install", "-at_install")
class TestDeputy(PbxCase):
    def test_one_s_own_to_write(self):
        self.anna.with_user(self.anna).write({"pbx_deputy_id": self.boris.id})
        self.assertEqual(self.anna.pbx_deputy_id, self.boris)
        with self.assertRaises(AccessError):
            self.boris.with_user(self.anna).write({"pbx_deputy_id": self.anna.id})

    def test_a_colleague_of_the_company_and_not_oneself(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        portal = self.new_user("deputy_portal", "base.group_portal")
        for nobody in (self.anna, self.new_agent("deputy", other), portal):
            with (
                self.subTest(nobody.name),
                self.assertRaises(Exception) as caught,
                self.env.cr.savepoint(),
            ):
                self.anna.pbx_deputy_id = nobody
            self.assertEqual(type(caught.exception).__name__, "ValidationError")

    def test_in_my_preferences(self):
        with Form(
            self.anna.with_user(self.anna), "base.view_users_form_simple_modif"
        ) as form:
            form.pbx_deputy_id = self.boris
        self.assertEqual(self.anna.pbx_deputy_id, self.boris)

    def test_workers_forget_who_it_was(self):
        rules = self.env["pbx.route"]
        self.assertIsNone(
            rules._rulebook(self.provider.id).agents[self.anna.id].deputy_id
        )
        self.anna.with_user(self.anna).write({"pbx_deputy_id": self.boris.id})
        self.env.flush_all()
        deputy = rules._rulebook(self.provider.id).agents[self.anna.id].deputy_id
        self.assertEqual(deputy, self.boris.id)
