"""Where calls go: rules, as a PBX that asks with signed events is told them."""

import json
from datetime import timedelta

from odoo import fields
from odoo.fields import Command
from odoo.tests import tagged

from .common import CALLER, LINE, LOCAL_NOON, REF, PbxHttpCase

SCENARIO = {}


class RoutingCase(PbxHttpCase):
    """The company is always open; one rule at a time, made by ``rule``."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.resource_calendar_id = cls.calendar_of(hours=24)
        cls.team = cls.env["crm.team"].create(
            {"name": "Harbour sales", "company_id": cls.company.id}
        )
        cls.line = cls.env["pbx.line"].create(
            {
                "number": LINE,
                "name": "Main line",
                "provider_id": cls.provider.id,
                "team_id": cls.team.id,
            }
        )

    def setUp(self):
        super().setUp()
        self.refs = {}

    @classmethod
    def calendar_of(cls, hours, **values):
        """Working hours of each day, from midnight UTC; 0: never."""
        days = [
            Command.create(
                {"name": day, "dayofweek": day, "hour_from": 0, "hour_to": hours}
            )
            for day in "0123456"
            if hours
        ]
        return cls.env["resource.calendar"].create(
            {
                "name": f"{hours} h",
                "tz": "UTC",
                "company_id": cls.company.id,
                "attendance_ids": [Command.clear(), *days],
                **values,
            }
        )

    def rule(self, target="user", **values):
        values.setdefault("user_id", target == "user" and self.anna.id)
        values.setdefault("ring_seconds", 0)
        return self.env["pbx.route"].create(
            {
                "name": values.pop("name", target.capitalize()),
                "company_id": self.company.id,
                "target": target,
                **values,
            }
        )

    def ask(self, ref=REF, event="NOTIFY_START", **changes):
        """Post START (or IVR), signed; return the decoded reply."""
        start = {
            "call_start": self.start_of(ref),
            "pbx_call_id": ref,
            "caller_id": CALLER,
            "called_did": LINE,
        }
        response = self.post(event, {**start, **changes})
        self.assertEqual(response.status_code, 200)
        return json.loads(response.text)

    def start_of(self, ref):
        """Another second for each call: what two calls share is signed but once."""
        place = self.refs.setdefault(ref, len(self.refs))
        return f"{LOCAL_NOON[:-2]}{place:02}"

    def hang_up(self, ref):
        fields_ = {"call_start": self.start_of(ref), "pbx_call_id": ref}
        ended = {"duration": "0", "disposition": "cancel", "called_did": LINE}
        self.post("NOTIFY_END", fields_, caller_id=CALLER, **ended)

    def to(self, number, seconds=0, **more):
        return {"redirect": number, "return_timeout": seconds, **more}

    def call_of(self, ref=REF):
        self.env.invalidate_all()
        return self.env["pbx.call"].search([("ref", "=", ref)])

    def step_codes(self, ref=REF):
        outcome = self.call_of(ref).route_outcome or {}
        return [step["code"] for step in outcome.get("steps", ())]

    def talk(self, user, extension, ago, number=CALLER, seconds=60):
        """A call that this user took and ended, so long ago."""
        start = fields.Datetime.now() - ago - timedelta(seconds=seconds)
        return self.env["pbx.call"].create(
            {
                "provider_id": self.provider.id,
                "company_id": self.company.id,
                "ref": f"talk_{self.env['pbx.call'].search_count([])}",
                "direction": "inbound",
                "state": "done",
                "outcome": "answered",
                "number": number,
                "line": LINE,
                "start": start,
                "answer": start,
                "stop": start + timedelta(seconds=seconds),
                "user_id": user.id,
                "extension_id": extension.id,
            }
        )


@tagged("post_install", "-at_install")
class TestConditions(RoutingCase):
    def test_whom_a_rule_is_about(self):
        tag = self.env["res.partner.category"].create({"name": "Gold"})
        other_line = self.env["pbx.line"].create(
            {"number": "+442079460901", "provider_id": self.provider.id}
        )
        company = {"is_company": True, "category_id": [(6, 0, tag.ids)], "phone": False}
        on_line = {"line_ids": [(6, 0, self.line.ids)]}
        on_other = {"line_ids": [(6, 0, other_line.ids)]}
        for title, values, contact, caller, code in (
            ("no condition", {}, None, CALLER, "chosen"),
            ("this line", on_line, None, CALLER, "chosen"),
            ("another", on_other, None, CALLER, "line"),
            ("known", {"caller": "known"}, {}, CALLER, "chosen"),
            ("not known", {"caller": "known"}, None, CALLER, "caller"),
            ("unknown", {"caller": "unknown"}, None, CALLER, "chosen"),
            ("not unknown", {"caller": "unknown"}, {}, CALLER, "caller"),
            ("withheld is no unknown", {"caller": "unknown"}, None, "", "caller"),
            ("withheld", {"caller": "withheld"}, None, "anonymous", "chosen"),
            ("not withheld", {"caller": "withheld"}, None, CALLER, "caller"),
            (
                "tag",
                {"category_ids": [(6, 0, tag.ids)]},
                {"category_id": [(6, 0, tag.ids)]},
                CALLER,
                "chosen",
            ),
            ("no tag", {"category_ids": [(6, 0, tag.ids)]}, {}, CALLER, "tag"),
            (
                "tag of the company",
                {"category_ids": [(6, 0, tag.ids)]},
                {"parent": company},
                CALLER,
                "chosen",
            ),
            ("country", {"country_ids": [(6, 0, self.gb.ids)]}, None, CALLER, "chosen"),
            (
                "another country",
                {"country_ids": [(6, 0, self.gb.ids)]},
                None,
                "+33142685300",
                "country",
            ),
            ("open", {"moment": "open"}, None, CALLER, "chosen"),
            ("closed", {"moment": "closed"}, None, CALLER, "moment"),
            (
                "closed by its own hours",
                {"moment": "closed", "calendar_id": self.calendar_of(0).id},
                None,
                CALLER,
                "chosen",
            ),
        ):
            with self.fresh(title):
                contact = dict(contact) if contact is not None else None
                if contact and (parent := contact.pop("parent", None)):
                    parent = self.new_partner("Baltic Shipping", **parent)
                    contact["parent_id"] = parent.id
                name = {}
                if contact is not None:
                    self.new_partner(**contact)
                    name = {"caller_name": "Olga Petrova"}
                route = self.rule(**values)
                reply = self.ask(caller_id=caller)
                self.assertEqual(self.step_codes(), [code])
                if code == "chosen":
                    self.assertEqual(reply, self.to("100", **name))
                    self.assertEqual(self.call_of().route_id, route)
                    self.assertEqual(self.call_of().route_code, "route")
                    self.assertEqual(self.call_of().routed_to, "100")
                else:
                    self.assertEqual(reply, name)
                    self.assertFalse(self.call_of().route_id)
                    self.assertEqual(self.call_of().route_code, "scenario")

    def test_hours_of_the_line_come_before_those_of_the_company(self):
        self.rule(moment="open")
        self.assertEqual(self.ask("a"), self.to("100"))
        self.line.calendar_id = self.calendar_of(0)
        self.assertEqual(self.ask("b"), SCENARIO)

    def test_a_rule_about_an_archived_line_or_tag_is_about_nobody(self):
        other_line = self.env["pbx.line"].create(
            {"number": "+442079460901", "provider_id": self.provider.id}
        )
        tag = self.env["res.partner.category"].create({"name": "Gold"})
        for title, values, record, code in (
            ("line", {"line_ids": [(6, 0, other_line.ids)]}, other_line, "line"),
            ("tag", {"category_ids": [(6, 0, tag.ids)]}, tag, "tag"),
        ):
            with self.fresh(title):
                self.rule(**values)
                record.active = False
                self.assertEqual(self.ask(), SCENARIO)
                self.assertEqual(self.step_codes(), [code])

    def test_first_rule_that_holds_decides(self):
        self.rule(name="Last", user_id=self.boris.id, sequence=30)
        self.rule(name="Not theirs", caller="withheld", sequence=10)
        first = self.rule(name="First", sequence=20)
        self.assertEqual(self.ask(), self.to("100"))
        self.assertEqual(self.call_of().route_id, first)
        self.assertEqual(self.step_codes(), ["caller", "chosen"])

    def test_archived_rule_and_rule_of_another_company_do_not_serve(self):
        self.rule(active=False)
        other = self.env["res.company"].create({"name": "Another"})
        user = self.new_agent("carl", other)
        self.env["pbx.route"].with_context(allowed_company_ids=other.ids).create(
            {
                "name": "Theirs",
                "company_id": other.id,
                "target": "user",
                "user_id": user.id,
            }
        )
        self.assertEqual(self.ask(), SCENARIO)
        self.assertEqual(self.step_codes(), [])
