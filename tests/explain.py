"""What the tests of look-ups share: large tables, and how PostgreSQL reads them.

The real statements are recorded while the real code runs, then PostgreSQL is asked how
it carries them out over tables that are large enough for the answer to matter.
"""
# pylint: disable=sql-injection  # the statements are Odoo's and these tests' own

import json
from contextlib import contextmanager
from unittest.mock import patch

from odoo.sql_db import Cursor
from odoo.tools import SQL

from .common import PbxCase, scenarios

ROWS = 5_000
# Read whole they would grow with the company's data.
LARGE = ("res_partner", "crm_lead", "pbx_call", "pbx_call_leg", "pbx_call_ref",
         "pbx_event", "pbx_event_proof", "pbx_recording", "pbx_extension",
         "pbx_rematch", "pbx_phone_number", "pbx_promise")  # fmt: skip


class ExplainCase(PbxCase):
    """A company with thousands of contacts and calls, and what PostgreSQL plans."""

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
        lead = cls.multiply(
            cls.env["crm.lead"].create({"name": "L0", "company_id": cls.company.id}),
            name="'L' || n",
            phone=typed,
            phone_sanitized=number,
        )
        cls.multiply_numbers(partner, lead)
        cls.put(cls, scenarios.scenario("answered", caller="")).action_replay()
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
        cls.multiply(
            cls.extension, number="(10000 + n)::text", caller_id="'+44207947' || n"
        )
        # All of them kept, and more of them than could ever wait.
        promise = cls.env["pbx.promise"].create(
            {
                "company_id": cls.company.id,
                "provider_id": cls.provider.id,
                "number": "+442079461234",
                "state": "kept",
                "opened_at": call.start,
                "deadline": call.start,
            }
        )
        for _ in range(3):
            cls.multiply(promise, number="'+4421' || lpad(n::text, 8, '0')")
        cls.multiply(
            promise,
            number=number,
            partner_id=f"{partner} + n",
            first_call_id=f"{first} + n",
            began_at=past,
            opened_at=past,
            due_from=past,
            deadline=past,
            closed_at=past,
        )
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

    @classmethod
    def multiply_numbers(cls, partner, lead):
        """Rows of the index: most contacts have one here, and stems are among them."""
        numbers = cls.env["pbx.phone.number"]
        national = {"kind": "national", "typed": "0", "tail": "0"}
        changes = {"typed": "'020 ' || lpad(n::text, 8, '0')",
                   "tail": "right(lpad(n::text, 8, '0'), 7)"}  # fmt: skip
        for owner, first in (("partner_id", partner), ("lead_id", lead)):
            row = numbers.create({**national, owner: first + 1})
            cls.multiply(row, **changes, **{owner: f"{first} + n"})
        certain = numbers.create({"kind": "certain", "number": "+1"})
        cls.multiply(
            certain,
            kind="CASE WHEN n % 100 = 0 THEN 'stem' ELSE 'certain' END",
            number="'+49301' || lpad(n::text, 6, '0')",
            partner_id=f"{partner} + n",
        )

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
