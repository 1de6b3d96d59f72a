"""Promise 4: each look-up of the corridor is by an index, at any size.

The real statements are recorded while the real code runs, then PostgreSQL is asked how
it carries them out over tables that are large enough for the answer to matter.
"""

import json
from contextlib import contextmanager
from unittest.mock import patch

from odoo import fields
from odoo.sql_db import Cursor
from odoo.tests import tagged
from odoo.tools import SQL

from ..telephony import dialect as dialects
from ..telephony.dialect import Delivery
from .common import CALLER, LINE, PbxCase, switchboard

ROWS = 5_000
# Read whole they would grow with the company's data.
LARGE = ("res_partner", "crm_lead", "pbx_call", "pbx_call_leg", "pbx_call_ref",
         "pbx_event", "pbx_recording", "pbx_extension", "pbx_rematch")  # fmt: skip


@tagged("post_install", "-at_install")
class TestExplain(PbxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.settings = cls.provider._settings(cls.provider.id)
        # Numbers +4420 00000001 and on, typed nationally, half of them sanitized; every
        # seventh call has no contact, every hundredth one's was picked.
        typed = "'020 ' || lpad(n::text, 8, '0')"
        number = "'+4420' || lpad(n::text, 8, '0')"
        past = "now() AT TIME ZONE 'UTC' - n * interval '1 minute'"
        partner = cls.multiply(
            cls.new_partner("P0", False, country_id=False),
            name="'P' || n",
            complete_name="'P' || n",
            phone=typed,
            phone_sanitized=f"CASE WHEN n % 2 = 0 THEN {number} END",
        )
        cls.multiply(
            cls.env["crm.lead"].create({"name": "L0", "company_id": cls.company.id}),
            name="'L' || n",
            phone=typed,
            phone_sanitized=number,
        )
        cls.put(cls, switchboard.scenario("answered", caller="")).action_replay()
        call = cls.env["pbx.call"].search([("provider_id", "=", cls.provider.id)])
        first = cls.multiply(
            call,
            ref="'in_' || n",
            number=number,
            line="'+44207946' || (n % 50)",
            direction="CASE WHEN n % 3 = 0 THEN 'outbound' ELSE 'inbound' END",
            start=past,
            last_event_at=past,
            partner_id=f"CASE WHEN n % 7 > 0 THEN {partner} + n END",
            partner_source="CASE WHEN n % 100 = 1 THEN 'picked' ELSE 'number' END",
            user_id="NULL",
            extension_id="NULL",
        )
        cls.multiply(
            call.leg_ids, call_id=f"{first} + n", number="(100 + n % 50)::text"
        )
        cls.multiply(call.recording_ids, call_id=f"{first} + n", ref="n::text")
        cls.multiply(
            cls.env["pbx.call.ref"].create(
                {"provider_id": cls.provider.id, "ref": "b", "call_id": call.id}
            ),
            call_id=f"{first} + n",
            ref="'in_' || n || 'b'",
        )
        cls.multiply(
            cls.env["pbx.event"].search([("ref", "=", call.ref)], limit=1),
            ref="'in_' || n",
            digest="md5(n::text)",
            received_at=past,
        )
        cls.multiply(cls.desk, number="(10000 + n)::text", caller_id="'+44207947' || n")
        for table in LARGE:
            cls.env.cr.execute(SQL("ANALYZE %s", SQL.identifier(table)))
        cls.env.invalidate_all()

    @classmethod
    def multiply(cls, record, **changes):
        """Copy a row ``ROWS`` times, some columns by an SQL expression of ``n``.

        :return: the id before the first new one's, so that ``id + n`` is the n-th.
        """
        cls.env.flush_all()
        table, cr = record._table, cls.env.cr
        cr.execute(
            "SELECT column_name FROM information_schema.columns "
            "WHERE table_name = %s AND column_name != 'id'",
            [table],
        )
        columns = [name for (name,) in cr.fetchall()]
        values = [changes.get(name, f'base."{name}"') for name in columns]
        names = ", ".join(f'"{name}"' for name in columns)
        cr.execute(
            f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} "
            f"FROM {table} base, generate_series(1, {ROWS}) n "
            f"WHERE base.id = {record.ensure_one().id} ORDER BY n RETURNING id"
        )
        ids = [id_ for (id_,) in cr.fetchall()]
        assert ids == list(range(ids[0], ids[0] + ROWS))
        if table == "res_partner":
            cr.execute(
                "UPDATE res_partner SET commercial_partner_id = id WHERE id >= %s",
                ids[:1],
            )
        return ids[0] - 1

    @contextmanager
    def statements(self):
        """Record the SELECTs and UPDATEs that touch a large table."""
        recorded, execute = [], Cursor.execute

        def recording(cursor, query, params=None, **options):
            text = cursor.mogrify(query, params).decode()
            if any(f"{table}" in text for table in LARGE):
                recorded.append(text)
            return execute(cursor, query, params, **options)

        with patch.object(Cursor, "execute", recording):
            yield recorded

    def read_whole(self, node):
        """Yield the large tables that a plan reads from end to end."""
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in LARGE:
            yield node["Relation Name"]
        for child in node.get("Plans", ()):
            yield from self.read_whole(child)

    def assertIndexed(self, recorded):
        self.assertTrue(recorded, "nothing was looked up")
        for text in recorded:
            words = text.split(None, 1)[0].upper()
            if words not in ("SELECT", "UPDATE", "WITH", "INSERT", "DELETE", "(SELECT"):
                continue
            self.env.cr.execute("EXPLAIN (FORMAT JSON) " + text)
            [plan] = self.env.cr.fetchone()[0]
            with self.subTest(text[:200]):
                self.assertFalse(list(self.read_whole(plan["Plan"])), json.dumps(plan))

    # ------------------------------------------------------------------- the corridor

    def test_the_tool_sees_a_table_that_is_read_whole(self):
        with self.statements() as recorded:
            self.env.cr.execute("SELECT id FROM pbx_call WHERE note = 'x'")
        self.env.cr.execute("EXPLAIN (FORMAT JSON) " + recorded[0])
        [plan] = self.env.cr.fetchone()[0]
        self.assertEqual(list(self.read_whole(plan["Plan"])), ["pbx_call"])

    def test_look_ups(self):
        directory = self.env["pbx.directory"]
        for name, number in (
            ("exact", "+442000002000"),
            ("tail", "+442000002003"),
            ("several ends alike, none the same", "+12000002003"),
            ("picked", "+442000000101"),
            ("nobody, so leads too", "+442099999999"),
            ("our own line", "+4420794617"),
            ("an extension's line", "+442079475000"),
        ):
            with self.subTest(name), self.statements() as recorded:
                directory._find(self.settings, number)
                directory.with_user(self.supervisor)._candidates(self.settings, number)
            self.assertIndexed(recorded)

    def test_leads(self):
        """Of a caller who is no contact: by the exact number, by its end."""
        self.env.cr.execute("DELETE FROM pbx_call WHERE ref = 'in_2000'")
        self.env.cr.execute(
            "UPDATE res_partner SET phone = NULL, phone_sanitized = NULL "
            "WHERE name IN ('P2000', 'P2003')"
        )
        self.env.cr.execute(
            "UPDATE crm_lead SET phone_sanitized = NULL WHERE name = 'L2003'"
        )
        for number in ("+442000002000", "+442000002003"):
            with self.statements() as recorded:
                found = self.env["pbx.directory"]._find(self.settings, number)
            self.assertTrue(found.lead_id, found)
            self.assertIndexed(recorded)

    def test_token(self):
        with self.statements() as recorded:
            providers = self.env["pbx.provider"]
            self.env.registry.clear_cache()
            providers._id_by_token(self.provider.webhook_token)
        self.assertFalse(recorded, "it touches no large table")
        # Few rows are read whole whatever the indexes: ask what there is.
        self.env.cr.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = 'pbx_provider'"
        )
        found = [text for (text,) in self.env.cr.fetchall() if "webhook_token" in text]
        self.assertTrue(found and "UNIQUE" in found[0])

    def test_taking_in(self):
        """Is it a repeat? By the digest."""
        step = switchboard.scenario("answered")[0]
        delivery = Delivery(step.event, step.fields["pbx_call_id"], step.fields)
        dialect = dialects.get("zadarma")
        reply = dialect.reply(delivery, None)
        events = self.env["pbx.event"]
        with self.statements() as recorded:
            events._take(self.settings, delivery, reply)
        self.assertIndexed(recorded)

    def test_applying(self):
        """All that applying events does: known and new calls, in and out."""
        for name, parameters in (
            ("answered", {"pbx_call_id": "in_500"}),
            ("ring_group", {}),
            ("transfer", {}),
            ("missed", {"caller": "+442000002003"}),
            ("outbound", {}),
            ("click_two_ids", {}),
            ("extension_to_extension", {}),
        ):
            if name not in switchboard.SCENARIOS:
                continue
            for step in switchboard.scenario(name, **parameters):
                self.put([step], fields.Datetime.now())
                with self.statements() as recorded:
                    self.env["pbx.event"]._apply_here(
                        self.provider.id, step.fields["pbx_call_id"]
                    )
                    self.env.flush_all()
                with self.subTest(name, event=step.event):
                    self.assertIndexed(recorded)

    def test_the_other_leg_of_a_click(self):
        """Asked after each event of an outgoing call."""
        call = self.env["pbx.call"].search([("ref", "=", "in_300")])
        self.assertEqual(call.direction, "outbound")
        with self.statements() as recorded:
            call._may_have_leg()
        self.assertIndexed(recorded)

    # ------------------------------------------------------------------------- jobs

    def test_jobs(self):
        for name in ("apply_events", "close_calls"):
            with self.subTest(name), self.statements() as recorded:
                self.run_job(name)
            self.assertIndexed(recorded)

    def test_rematch(self):
        """Calls that wait for their contact: by the number, by its end."""
        partners = self.env["res.partner"].create(
            [
                {"name": "New", "phone": f"020 0000{n:04}", "country_id": self.gb.id}
                for n in range(700, 720)
            ]
        )
        with self.statements() as recorded:
            self.env["pbx.rematch"]._collect("res.partner", partners.ids)
            self.env.flush_all()
        self.assertIndexed(recorded)
        lead = self.env["crm.lead"].search([("name", "=", "L777")])
        with self.statements() as recorded:
            self.env["pbx.rematch"]._collect("crm.lead", lead.ids)
        self.assertIndexed(recorded)

    # ------------------------------------------------------------------------ screens

    def test_contact_and_lead(self):
        partner = self.env["res.partner"].search([("name", "=", "P500")])
        lead = self.env["crm.lead"].search([("name", "=", "L500")])
        lead.user_id = self.anna
        self.env.flush_all()
        for user in (self.supervisor, self.anna):
            with self.statements() as recorded:
                partner.with_user(user).read(["pbx_call_count", "pbx_last_call_ids"])
                lead.with_user(self.anna).read(["pbx_call_count"])
            self.assertIndexed(recorded)

    def test_last_event(self):
        with self.statements() as recorded:
            self.provider.read(["last_event_at", "waiting_count", "failed_count"])
        self.assertIndexed(recorded)

    def test_list_and_search_of_calls(self):
        shown = (
            (self.supervisor, []),
            (self.supervisor, [("start", ">", "now -1H")]),
            (self.supervisor, [("number_readable", "ilike", "00002000")]),
            (self.supervisor, [("number_readable", "=", CALLER)]),
            (self.supervisor, [("partner_id", "=", self.env.user.partner_id.id)]),
            (self.supervisor, [("user_id", "=", self.anna.id)]),
            # An agent's rights ask for the salesperson of contact and lead.
            (self.anna, []),
            (self.anna, [("number_readable", "=", CALLER)]),
        )
        for user, domain in shown:
            with self.subTest(user=user.name, domain=domain):
                with self.statements() as recorded:
                    self.env["pbx.call"].with_user(user).search(domain, limit=80)
                self.assertIndexed(recorded)

    def test_line_is_looked_up_by_company(self):
        self.assertTrue(LINE)
        with self.statements() as recorded:
            self.env.cr.execute(
                "SELECT 1 FROM pbx_call WHERE company_id = %s AND line = %s "
                "AND direction = 'inbound' LIMIT 1",
                [self.company.id, "+no such line"],
            )
        self.assertIndexed(recorded)
