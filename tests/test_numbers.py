"""Numbers as a PBX reports them: short ones, national ones, two spellings of one."""

import importlib.util
import json
from datetime import timedelta

from odoo.modules import get_module_path
from odoo.tests import tagged

from .common import LINE, NOON, PbxCase
from .scenarios import Step

OUT = "out_" + "9c" * 20
IN = "in_" + "9d" * 20
START = "2026-06-01 12:00:00"


def step(event, fields, delay):
    return Step(event, {**fields, "event": event}, delay)


def dials(destination, ref=OUT, talk=20, **more):
    """Webhooks of a call that extension 100 makes, and that is answered."""
    fields = {
        "call_start": START,
        "pbx_call_id": ref,
        "caller_id": LINE,
        "internal": "100",
        "destination": destination,
        **more,
    }
    end = {"duration": str(talk), "disposition": "answered"}
    return [
        step("NOTIFY_OUT_START", fields, 0),
        step("NOTIFY_ANSWER", fields, 5),
        step("NOTIFY_OUT_END", {**fields, **end}, talk),
    ]


def misses(caller, ref=IN, called=LINE):
    fields = {
        "call_start": START,
        "pbx_call_id": ref,
        "caller_id": caller,
        "called_did": called,
    }
    end = {"duration": "0", "disposition": "cancel"}
    return [
        step("NOTIFY_START", fields, 0),
        step("NOTIFY_INTERNAL", {**fields, "internal": "100"}, 1),
        step("NOTIFY_END", {**fields, **end}, 15),
    ]


@tagged("post_install", "-at_install")
class TestShortNumbers(PbxCase):
    def happen(self, steps, received=NOON):
        self.put(steps, received)
        self.run_job("apply_events")
        return self.calls()

    def test_a_short_number_is_no_extension_because_it_is_short(self):
        self.new_partner("Not meant", "112")
        for number in ("112", "900", "1180", "*98", "#31#"):
            with self.fresh(number):
                call = self.happen(dials(number))
                self.assertCall(
                    call,
                    direction="outbound",
                    outcome="answered",
                    number=number,
                    line=LINE,
                    user_id=self.anna,
                    partner_id=self.env["res.partner"],
                )
                # Nothing is there to be entered as an internal number.
                self.assertEqual(self.legs(call), {"100": "answered"})

    def test_the_order_does_not_matter(self):
        for gap in (-3, 0):
            with self.fresh(gap):
                steps = dials("112")
                call = self.happen(steps if gap else steps[::-1])
                self.assertCall(call, direction="outbound", number="112")
                self.assertEqual(list(self.legs(call)), ["100"])

    def test_what_the_pbx_lists_is_an_extension(self):
        call = self.happen(dials("101", caller_id="100"))
        self.assertCall(call, direction="internal", number="101")
        self.assertEqual(sorted(self.legs(call)), ["100", "101"])

    def test_what_has_rung_is_one_though_nobody_entered_it(self):
        steps = misses("+442079460288")
        steps[1].fields["internal"] = "105"
        self.happen(steps)
        call = self.happen(dials("105"))[-1]
        self.assertCall(call, direction="internal", number="105")

    def test_an_extension_that_is_deleted_has_been_one(self):
        steps = dials("101", caller_id="100")
        self.happen(steps[:2])
        self.extension_2.unlink()
        # ... and nothing else tells that it was.
        self.env["pbx.call.leg"].search([("number", "=", "101")]).unlink()
        call = self.happen(steps[2:], NOON + timedelta(seconds=25))
        self.assertCall(call, direction="internal", number="101")

    def test_facts_of_the_release_before_have_no_marks(self):
        steps = dials("101", caller_id="100")
        call = self.happen(steps[:2])
        call.facts = [
            {name: value for name, value in fact.items() if "known" not in name}
            for fact in call.facts
        ]
        self.extension_2.unlink()
        call = self.happen(steps[2:], NOON + timedelta(seconds=25))
        self.assertCall(call, direction="internal", number="101")


@tagged("post_install", "-at_install")
class TestReportedNumbers(PbxCase):
    def happen(self, steps):
        self.put(steps)
        self.run_job("apply_events")
        return self.calls()

    def move_to(self, code):
        self.provider.country_id = self.env.ref(f"base.{code}")
        self.env.registry.clear_cache()

    def test_national_numbers_are_of_the_account_s_country(self):
        for code, reported, number in (
            ("ua", "+0630000017", "+380630000017"),
            ("ua", "630000017", "+380630000017"),
            ("kg", "0555000002", "+996555000002"),
            ("ru", "88005550199", "+78005550199"),
            ("fr", "0692123456", "+262692123456"),
        ):
            with self.fresh(code, reported):
                self.move_to(code)
                calls = self.happen(misses(reported) + dials(reported))
                self.assertEqual(calls.mapped("number"), [number, number])
                # As it was reported stays in the facts.
                for call in calls:
                    self.assertIn(reported, json.dumps(call.facts))

    def test_without_a_country_that_of_the_company_counts(self):
        self.provider.country_id = False
        self.company.country_id = self.env.ref("base.ua")
        self.env.registry.clear_cache()
        call = self.happen(misses("0630000017"))
        self.assertEqual(call.number, "+380630000017")

    def test_no_digit_is_lost(self):
        call = self.happen(misses("88005550199"))
        self.assertEqual(call.number, "+88005550199")

    def test_two_spellings_are_one_phone(self):
        for one, other, number in (
            ("5215555550143", "525555550143", "+525555550143"),
            ("541155550143", "+5491155550143", "+5491155550143"),
            ("551181234567", "5511981234567", "+5511981234567"),
        ):
            with self.fresh(one):
                self.assertTrue(self.happen(misses(one)).to_call_back)
                calls = self.happen(dials(other, call_start="2026-06-01 12:30:00"))
                self.assertEqual(calls.mapped("number"), [number, number])
                self.assertIn(one, json.dumps(calls[0].facts))
                # Who was missed has been called back, however that is spelled.
                missed = calls[0]
                self.assertEqual(missed.outcome, "missed")
                self.assertFalse(missed.to_call_back)

    def test_facts_of_the_release_before_are_spelled_when_they_are_read(self):
        self.move_to("ua")
        steps = misses("+0630000017")
        call = self.happen(steps[:2])
        for fact in call.facts:
            fact.pop("caller_reported", None)
            fact["caller"] = "+0630000017"
        call.facts = list(call.facts)
        call = self.happen(steps[2:])
        self.assertEqual(call.number, "+380630000017")


@tagged("post_install", "-at_install")
class TestEarlierCalls(PbxCase):
    """What the update does to the numbers of calls from before."""

    def migrate(self):
        path = f"{get_module_path('cloud_pbx')}/migrations/19.0.1.2.0/post-migrate.py"
        spec = importlib.util.spec_from_file_location("post_migrate", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.BATCH = 2  # several rounds
        self.env.flush_all()
        module.spell_numbers(self.env.cr)
        module.let_short_numbers_out(self.env.cr)
        self.env.invalidate_all()

    def new_call(self, number, direction="inbound", line=LINE, **values):
        return self.env["pbx.call"].create(
            {
                "provider_id": self.provider.id,
                "company_id": self.company.id,
                "ref": f"{direction}/{number}/{line}",
                "direction": direction,
                "state": "done",
                "number": number,
                "line": line,
                "start": NOON,
                **values,
            }
        )

    def test_numbers_are_spelled_anew(self):
        self.provider.country_id = self.env.ref("base.ua")
        expected = {
            "+0630000017": "+380630000017",
            "+630000017": "+380630000017",
            "+5215555550143": "+525555550143",
            "+525555550143": "+525555550143",
            "+541155550143": "+5491155550143",
            "+551181234567": "+5511981234567",
            "+442079460201": "+442079460201",
            "+999123456789": "+999123456789",
        }
        calls = {number: self.new_call(number) for number in expected}
        withheld = self.new_call(False)
        self.migrate()
        found = {number: call.number for number, call in calls.items()}
        self.assertEqual(found, expected)
        self.assertFalse(withheld.number)
        self.migrate()
        self.assertEqual({n: call.number for n, call in calls.items()}, expected)

    def test_so_are_our_own(self):
        old, new = "+5215555550900", "+525555550900"
        line = self.env["pbx.line"].create(
            {"provider_id": self.provider.id, "number": old}
        )
        self.extension.caller_id = False
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE pbx_extension SET caller_id = %s WHERE id = %s",
            [old, self.extension.id],
        )
        calls = self.new_call("+442079460201", line=old)
        calls += self.new_call("+442079460201", "outbound", line=old)
        self.migrate()
        self.assertEqual(calls.mapped("line"), [new, new])
        self.assertEqual((line.number, self.extension.caller_id), (new, new))

    def test_short_numbers_are_let_out(self):
        def new(number, *legs):
            call = self.new_call(number, "internal", line=False)
            for leg in legs:
                entered = self.extension if leg == "100" else self.extension_2
                self.env["pbx.call.leg"].create(
                    {
                        "call_id": call.id,
                        "provider_id": self.provider.id,
                        "number": leg,
                        "extension_id": entered.id if leg in ("100", "101") else False,
                    }
                )
            return call

        emergency, inside = new("112", "100", "112"), new("101", "100", "101")
        # Nobody entered 105, but it has dialled; nobody entered 106 of another PBX.
        unlisted, back = new("105", "100", "105"), new("100", "105", "100")
        other = self.new_provider(self.company, self.robot, "second")
        unknown = self.new_call("106", "internal", provider_id=other.id)
        self.migrate()
        self.assertEqual(emergency.direction, "outbound")
        self.assertEqual(list(self.legs(emergency)), ["100"])
        kept = inside + unlisted + back + unknown
        self.assertEqual(set(kept.mapped("direction")), {"internal"})
        self.assertEqual(len(kept.leg_ids), 6)
