"""Calls know their line, old ones too; lines that only calls know are made.

Before the models are loaded: without the new column's index and foreign key the calls
are written in one pass, with all their indexes. An UPDATE of a million calls would
enter each of them into some twenty indexes.
"""

import json

from odoo import SUPERUSER_ID
from odoo.tools import SQL

from odoo.addons.cloud_pbx.telephony import numbers


def migrate(cr, version):
    mark_listed_lines(cr)
    link_calls(cr, make_lines(cr))


def mark_listed_lines(cr):
    """Until now only the PBX's own list made lines; what it had ended was archived."""
    cr.execute("ALTER TABLE pbx_line ADD COLUMN from_pbx boolean")
    cr.execute("UPDATE pbx_line SET from_pbx = active")


def make_lines(cr):
    """Make the lines that only calls know.

    :return: ``{provider id: {number in calls: line id}}``.
    """
    cr.execute(
        """SELECT provider_id, company_id, line, bool_or(direction = 'inbound')
             FROM pbx_call
            WHERE line IS NOT NULL AND direction IN ('inbound', 'outbound')
         GROUP BY provider_id, company_id, line ORDER BY provider_id, line"""
    )
    called = cr.fetchall()
    known = _known_lines(cr)
    new = {
        (provider_id, numbers.canonical(line)): (provider_id, company_id, line)
        for provider_id, company_id, line, is_called in called
        if is_called and (provider_id, numbers.canonical(line)) not in known
    }
    if new:
        providers, companies, named = map(list, zip(*new.values(), strict=True))
        cr.execute(
            SQL(
                """INSERT INTO pbx_line (
                          provider_id, company_id, number, active, create_uid,
                          write_uid, create_date, write_date)
                   SELECT provider_id, company_id, number, TRUE, %(uid)s, %(uid)s,
                          now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
                     FROM unnest(%(providers)s::integer[], %(companies)s::integer[],
                                 %(numbers)s::varchar[])
                          AS called(provider_id, company_id, number)""",
                uid=SUPERUSER_ID,
                providers=providers,
                companies=companies,
                numbers=named,
            )
        )
        known = _known_lines(cr)
    lines = {}
    for provider_id, _company_id, line, _is_called in called:
        if line_id := known.get((provider_id, numbers.canonical(line))):
            lines.setdefault(provider_id, {})[line] = line_id
    return lines


def _known_lines(cr):
    """Return ``{(provider id, canonical number): id}``; one in use before others."""
    cr.execute("SELECT provider_id, number, id FROM pbx_line ORDER BY active, id")
    return {
        (provider_id, numbers.canonical(number)): line_id
        for provider_id, number, line_id in cr.fetchall()
    }


def link_calls(cr, lines):
    """Give all calls their line, in one statement."""
    cr.execute("ALTER TABLE pbx_call ADD COLUMN line_id integer")
    if lines:
        cr.execute(
            SQL(
                """ALTER TABLE pbx_call ALTER COLUMN line_id TYPE integer USING
                   CASE WHEN direction IN ('inbound', 'outbound') THEN
                        (%s::jsonb -> provider_id::text ->> line)::integer END""",
                json.dumps(lines),
            )
        )
