from odoo import SUPERUSER_ID, api
from odoo.tools import SQL

from odoo.addons.cloud_pbx.telephony import numbers

# Distinct numbers that are read together.
BATCH = 2000


def migrate(cr, version):
    """Change the data after the models are loaded: a function for each subject."""
    # First: it reads contents.
    signed_texts(cr)
    connected_pbxs(cr)
    contents_without_a_log(cr)
    national_caller_ids(cr)
    spell_numbers(cr)
    let_short_numbers_out(cr)
    env = api.Environment(cr, SUPERUSER_ID, {})
    remember_users_of_legs(cr)
    report_legs(cr)
    remember_assignments(env)
    remember_zones(env)


def connected_pbxs(cr):
    """Note which secrets work, and which PBXs are connected without “Connect”."""
    cr.execute(
        """UPDATE pbx_provider SET secret_proven = TRUE
            WHERE connected_at IS NOT NULL"""
    )
    # Disconnected, or never connected: only what it sent lately tells them apart.
    cr.execute(
        """UPDATE pbx_provider SET disconnected_at = now() AT TIME ZONE 'UTC'
            WHERE state = 'draft'
              AND NOT EXISTS (SELECT 1 FROM pbx_event
                               WHERE provider_id = pbx_provider.id
                                 AND received_at > now() AT TIME ZONE 'UTC'
                                                   - interval '7 days')"""
    )
    # The address was entered there by hand: it sent an event lately.
    cr.execute(
        """UPDATE pbx_provider
              SET connected_at = now() AT TIME ZONE 'UTC',
                  state = CASE state WHEN 'draft' THEN 'connected' ELSE state END
            WHERE connected_at IS NULL
              AND EXISTS (SELECT 1 FROM pbx_event
                           WHERE provider_id = pbx_provider.id
                             AND event_type != 'CLOUD_PBX_CHECK'
                             AND received_at > now() AT TIME ZONE 'UTC'
                                               - interval '7 days')"""
    )


def contents_without_a_log(cr):
    """Remove contents that were kept although no log is wanted."""
    cr.execute(
        """UPDATE pbx_event SET payload = NULL, reply = NULL
             FROM pbx_provider provider
            WHERE provider.id = provider_id AND provider.keep_log IS NOT TRUE
              AND pbx_event.state IN ('done', 'ignored')
              AND error IS NULL AND awaits_history IS NOT TRUE
              AND (payload IS NOT NULL OR reply IS NOT NULL)"""
    )
    cr.execute(
        """UPDATE pbx_request SET asked = NULL, answered = NULL
             FROM pbx_provider provider
            WHERE provider.id = provider_id AND provider.keep_log IS NOT TRUE
              AND (asked IS NOT NULL OR answered IS NOT NULL)"""
    )


def national_caller_ids(cr):
    """Caller IDs that were typed nationally were kept behind a plus: ``+02079460200``.

    No country's code begins with a zero.
    """
    env = api.Environment(cr, SUPERUSER_ID, {})
    for extension in env["pbx.extension"].search([("caller_id", "=like", "+0%")]):
        typed = extension.caller_id.removeprefix("+")
        number = extension._read_caller_id(typed, extension.provider_id.id)
        # Nobody has written the row.
        cr.execute(
            "UPDATE pbx_extension SET caller_id = %s WHERE id = %s",
            [number or None, extension.id],
        )


def spell_numbers(cr):
    """Write the numbers of earlier calls, of lines and of caller IDs in one spelling.

    By distinct number, in the order of an index: what is spelled right already, nearly
    all, is not written.
    """
    countries = _countries(cr)
    last = ("", 0)
    while True:
        cr.execute(
            SQL(
                """SELECT DISTINCT number, company_id FROM pbx_call
                    WHERE number IS NOT NULL AND company_id IS NOT NULL
                      AND (number, company_id) > (%s, %s)
                 ORDER BY number, company_id LIMIT %s""",
                *last,
                BATCH,
            )
        )
        rows = cr.fetchall()
        for number, company_id in rows:
            for provider_id, country in countries.get(company_id, ()):
                spelled = numbers.from_pbx(number, country)
                if spelled and spelled != number:
                    cr.execute(
                        SQL(
                            """UPDATE pbx_call SET number = %s
                                WHERE number = %s AND company_id = %s
                                  AND provider_id = %s
                                  AND direction IS DISTINCT FROM 'internal'""",
                            spelled,
                            number,
                            company_id,
                            provider_id,
                        )
                    )
        if len(rows) < BATCH:
            break
        last = rows[-1]
    for company_id, providers in countries.items():
        for provider_id, country in providers:
            _spell_lines(cr, company_id, provider_id, country)


def _countries(cr):
    """Return ``{company: [(provider, its two-letter country or "")]}``."""
    cr.execute(
        """SELECT provider.company_id, provider.id, coalesce(own.code, company.code, '')
             FROM pbx_provider provider
        LEFT JOIN res_country own ON own.id = provider.country_id
             JOIN res_company ON res_company.id = provider.company_id
             JOIN res_partner partner ON partner.id = res_company.partner_id
        LEFT JOIN res_country company ON company.id = partner.country_id"""
    )
    found = {}
    for company_id, provider_id, country in cr.fetchall():
        found.setdefault(company_id, []).append((provider_id, country))
    return found


def _spell_lines(cr, company_id, provider_id, country):
    """Our own numbers are few: those entered, and those under which we were called."""
    cr.execute(
        SQL(
            """WITH RECURSIVE called AS (
                   (SELECT line FROM pbx_call
                     WHERE company_id = %(company)s AND direction = 'inbound'
                       AND line IS NOT NULL ORDER BY line LIMIT 1)
                   UNION ALL
                   SELECT (SELECT line FROM pbx_call
                            WHERE company_id = %(company)s AND direction = 'inbound'
                              AND line > called.line ORDER BY line LIMIT 1)
                     FROM called WHERE called.line IS NOT NULL)
               SELECT line FROM called WHERE line IS NOT NULL
                UNION SELECT number FROM pbx_line WHERE provider_id = %(provider)s
                UNION SELECT caller_id FROM pbx_extension
                       WHERE provider_id = %(provider)s AND caller_id IS NOT NULL""",
            company=company_id,
            provider=provider_id,
        )
    )
    for [number] in cr.fetchall():
        spelled = numbers.from_pbx(number, country)
        if not spelled or spelled == number:
            continue
        values = {"new": spelled, "old": number, "provider": provider_id}
        for statement in (
            """UPDATE pbx_call SET line = %(new)s
                WHERE line = %(old)s AND provider_id = %(provider)s""",
            """UPDATE pbx_extension SET caller_id = %(new)s
                WHERE caller_id = %(old)s AND provider_id = %(provider)s""",
            """UPDATE pbx_line SET number = %(new)s
                WHERE number = %(old)s AND provider_id = %(provider)s
                  AND NOT EXISTS (SELECT 1 FROM pbx_line known
                                   WHERE known.provider_id = %(provider)s
                                     AND known.number = %(new)s)""",
        ):
            cr.execute(SQL(statement, **values))


def let_short_numbers_out(cr):
    """Make calls to emergency and service numbers outgoing ones.

    Each short number passed for an internal one. Where the PBX's internal numbers are
    known, one that is not among them and never did anything but being called is none.
    """
    cr.execute(
        """WITH outside AS (
               SELECT call.provider_id, call.number
                 FROM pbx_call call
                WHERE call.direction = 'internal' AND call.number ~ '^[0-9]{1,5}$'
             GROUP BY call.provider_id, call.number
               HAVING EXISTS (SELECT 1 FROM pbx_extension extension
                               WHERE extension.provider_id = call.provider_id)
                  AND NOT EXISTS (SELECT 1 FROM pbx_extension extension
                                   WHERE extension.provider_id = call.provider_id
                                     AND call.number
                                         IN (extension.number, extension.login))
                  AND NOT EXISTS (SELECT 1 FROM pbx_call_leg leg
                                    JOIN pbx_call other ON other.id = leg.call_id
                                   WHERE leg.provider_id = call.provider_id
                                     AND leg.number = call.number
                                     AND leg.extension_id IS NULL
                                     AND other.number IS DISTINCT FROM call.number)),
           changed AS (
               UPDATE pbx_call call SET direction = 'outbound'
                 FROM outside
                WHERE call.provider_id = outside.provider_id
                  AND call.number = outside.number AND call.direction = 'internal'
            RETURNING call.id, call.number)
           DELETE FROM pbx_call_leg leg USING changed
            WHERE leg.call_id = changed.id AND leg.number = changed.number"""
    )


def signed_texts(cr):
    """Bind what was signed of the events in the inbox to their calls."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    env["pbx.event.proof"]._bind_inbox()


def remember_users_of_legs(cr):
    """Legs get the users that their call has: nobody gains or loses a call."""
    # Whose call it is said the call; what its legs said was never read.
    cr.execute(
        """UPDATE pbx_call_leg leg SET user_id = call.user_id
             FROM pbx_call call
            WHERE call.id = leg.call_id AND call.user_picked IS NOT TRUE
              AND leg.extension_id = call.extension_id
              AND leg.user_id IS DISTINCT FROM call.user_id"""
    )
    cr.execute(
        """UPDATE pbx_call_leg leg SET user_id = NULL
             FROM pbx_call call
            WHERE call.id = leg.call_id AND leg.user_id IS NOT NULL
              AND leg.user_id IS DISTINCT FROM call.user_id
              AND NOT EXISTS (
                  SELECT 1 FROM pbx_call_participant_rel part
                   WHERE part.call_id = leg.call_id AND part.user_id = leg.user_id)"""
    )
    cr.execute(
        """INSERT INTO pbx_call_leg_user_rel (leg_id, user_id)
           SELECT id, user_id FROM pbx_call_leg WHERE user_id IS NOT NULL
               ON CONFLICT DO NOTHING"""
    )
    # Several had one phone: all of the participants that no other leg has.
    cr.execute(
        """INSERT INTO pbx_call_leg_user_rel (leg_id, user_id)
           SELECT leg.id, part.user_id
             FROM pbx_call_participant_rel part
             JOIN pbx_call_leg leg
               ON leg.call_id = part.call_id AND leg.user_id IS NULL
            WHERE NOT EXISTS (
                  SELECT 1 FROM pbx_call_leg other
                   WHERE other.call_id = part.call_id
                     AND other.user_id = part.user_id)
               ON CONFLICT DO NOTHING"""
    )

    cr.execute(
        """UPDATE pbx_call_leg leg SET is_nobodys = NOT EXISTS (
                  SELECT 1 FROM pbx_call_leg_user_rel rel WHERE rel.leg_id = leg.id)"""
    )


def report_legs(cr):
    """Say of each leg what came of it, and how long it rang."""
    cr.execute(
        """UPDATE pbx_call_leg leg
              SET result = CASE
                  WHEN call.state != 'done' THEN NULL
                  WHEN leg.outcome = 'answered' THEN 'answered'
                  WHEN call.direction = 'outbound' AND call.outcome = 'answered'
                      THEN 'answered'
                  WHEN call.direction = 'outbound' THEN 'not_reached'
                  WHEN call.direction = 'internal' AND call.outcome = 'answered'
                      THEN 'answered'
                  WHEN call.direction = 'internal'
                   AND leg.extension_id = call.extension_id THEN 'not_reached'
                  WHEN call.outcome = 'answered' THEN 'elsewhere'
                  ELSE 'missed' END,
                  rang_seconds = CASE
                  WHEN call.direction = 'outbound' OR leg.start IS NULL THEN 0
                  WHEN call.direction = 'internal'
                   AND leg.extension_id = call.extension_id THEN 0
                  ELSE coalesce(
                      extract(epoch FROM (
                          SELECT min(at.end) FROM (VALUES
                              (leg.answer), (leg.stop), (call.answer), (call.stop)
                          ) AS at("end") WHERE at.end >= leg.start) - leg.start)::bigint
                      , 0) END
             FROM pbx_call call WHERE call.id = leg.call_id"""
    )


def remember_zones(env):
    """Times were read in the zone of now, and their text was not kept."""
    for provider in env["pbx.provider"].with_context(active_test=False).search([]):
        env.cr.execute(
            "UPDATE pbx_provider SET old_facts_zone = %s WHERE id = %s",
            [provider._zone_name() or "UTC", provider.id],
        )


def remember_assignments(env):
    """Who has a number now had it as long as anything is known."""
    providers = env["pbx.provider"].with_context(active_test=False).search([])
    env["pbx.assignment"]._update(providers.ids)
    env.cr.execute("UPDATE pbx_assignment SET since = NULL, since_event = 0")
