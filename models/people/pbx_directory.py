"""From an outside number to contact and lead, by indexed look-ups only."""

from dataclasses import dataclass

from odoo import api, models
from odoo.tools import SQL

from ...telephony import numbers
from .phone_index import tail_condition, tail_sql

# More people than this at one number are no help to anybody.
MAX_CANDIDATES = 20
# Numbers that end alike, before they are verified.
MAX_ALIKE = 200


@dataclass(frozen=True)
class Match:
    """The outcome of a look-up; ids, or ``False``."""

    source: str
    partner_id: int | bool = False
    lead_id: int | bool = False
    name: str = ""


def _spellings(number):
    """Return the E.164 forms under which Odoo may keep ``number``."""
    return list(dict.fromkeys((number, numbers.canonical(number))))


class PbxDirectory(models.AbstractModel):
    """The directory of callers. It has no table: it reads contacts and leads."""

    _name = "pbx.directory"
    _description = "Directory of callers"

    # -------------------------------------------------------------- one number

    @api.model
    def _find(self, settings, number, line="", memory=None):
        """Return who has ``number``: one, or none where there are several.

        :param PbxSettings settings: whose company and country count.
        :param str number: E.164 (or whatever the PBX sent), ``""`` if withheld.
        :param str line: our line of this very call, which is nobody's number.
        :param dict memory: ``{(provider id, number): Match}`` of this run, read and
            added to: a webhook looks up twice, for the log and for the name on the
            phone's display.
        """
        if not number or numbers.is_extension(number) or number == line:
            return Match("none")
        if memory is None:
            return self._look_up(settings, number)
        if (settings.id, number) not in memory:
            memory[settings.id, number] = self._look_up(settings, number)
        return memory[settings.id, number]

    def _look_up(self, settings, number):
        rows = self._known(settings, number)
        kinds = {kind for kind, *_rest in rows}
        if "own" in kinds:
            return Match("none")
        picked = [row for row in rows if row[0] == "picked"]
        if picked:
            _kind, partner_id, _entity, name = picked[0]
            lead = self._lead_of(settings, number, partner_id)
            return Match("remembered", partner_id, lead, name or "")
        people, source = [row for row in rows if row[0] == "number"], "number"
        if not people:
            people, source = self._by_tail(settings, number), "tail"
        chosen = self._one_of(people)
        if chosen:
            lead = self._lead_of(settings, number, chosen[1])
            return Match(source, chosen[1], lead, chosen[3] or "")
        if people:
            return Match("several")
        return self._by_lead(settings, number)

    @staticmethod
    def _one_of(people):
        """Return the one row that is meant, or ``None``.

        A company and its contacts sharing a number are the company.
        """
        if len(people) < 2:
            return people[0] if people else None
        entities = {entity for _kind, _id, entity, _name in people}
        if len(entities) == 1:
            company = entities.pop()
            return next((row for row in people if row[1] == company), None)
        return None

    @staticmethod
    def _in_company(alias, settings):
        column = SQL.identifier(alias, "company_id")
        return SQL("(%s IS NULL OR %s = ANY(%s))", column, column, settings.company_ids)

    def _known(self, settings, number):
        """Return rows ``(kind, partner id, commercial entity's id, name)``.

        One statement, each part by its own index: is it one of our own lines, did a
        person pick somebody for it before, who has exactly this number.
        """
        self.env["res.partner"].flush_model(["phone_sanitized", "active", "company_id"])
        self.env["pbx.call"].flush_model(["number", "line", "partner_id"])
        in_company = self._in_company("partner", settings)
        return self.env.execute_query(
            SQL(
                """
                (SELECT 'own', NULL::integer, NULL::integer, NULL::varchar
                   FROM pbx_call
                  WHERE company_id = %(company)s AND line = %(number)s
                    AND direction = 'inbound' LIMIT 1)
                UNION ALL
                (SELECT 'own', NULL, NULL, NULL FROM pbx_extension
                  WHERE company_id = %(company)s AND caller_id = %(number)s LIMIT 1)
                UNION ALL
                (SELECT 'own', NULL, NULL, NULL FROM pbx_line
                  WHERE company_id = %(company)s AND number = %(number)s AND active
                  LIMIT 1)
                UNION ALL
                (SELECT 'picked', partner.id, partner.commercial_partner_id,
                        coalesce(partner.name, partner.complete_name)
                   FROM pbx_call call JOIN res_partner partner
                     ON partner.id = call.partner_id
                  WHERE call.number = %(number)s AND call.company_id = %(company)s
                    AND call.partner_source = 'picked'
                    AND partner.active AND %(in_company)s
               ORDER BY call.write_date DESC LIMIT 1)
                UNION ALL
                (SELECT 'number', partner.id, partner.commercial_partner_id,
                        coalesce(partner.name, partner.complete_name)
                   FROM res_partner partner
                  WHERE partner.phone_sanitized = ANY(%(spellings)s)
                    AND partner.active AND %(in_company)s
               ORDER BY partner.id LIMIT %(limit)s)
                """,
                company=settings.company_id,
                number=number,
                spellings=_spellings(number),
                in_company=in_company,
                limit=MAX_CANDIDATES,
            )
        )

    def _by_tail(self, settings, number):
        """Return rows like ``_known`` for numbers that end alike and are the same.

        What ends alike is verified by reading the typed number in its own country. The
        index comes first, by itself: for sorted rows the database may prefer to
        walk the whole table in that order.
        """
        tail = numbers.tail(number)
        if not tail:
            return []
        rows = self.env.execute_query(
            SQL(
                """
                WITH alike AS MATERIALIZED (
                     SELECT id FROM res_partner partner
                      WHERE %(alike)s AND partner.active AND %(in_company)s
                      LIMIT %(limit)s)
                SELECT partner.id, partner.commercial_partner_id,
                       coalesce(partner.name, partner.complete_name), partner.phone,
                       coalesce(country.code, entity_country.code)
                  FROM alike JOIN res_partner partner ON partner.id = alike.id
             LEFT JOIN res_country country ON country.id = partner.country_id
             LEFT JOIN res_partner entity
                    ON entity.id = partner.commercial_partner_id
             LEFT JOIN res_country entity_country
                    ON entity_country.id = entity.country_id
              ORDER BY partner.id
                """,
                alike=tail_condition("partner", tail),
                in_company=self._in_company("partner", settings),
                limit=MAX_ALIKE,
            )
        )
        return [
            ("tail", id_, entity, name)
            for id_, entity, name, phone, own in rows
            if numbers.same_number(number, phone, own, settings.countries)
        ][:MAX_CANDIDATES]

    @api.model
    def _is_own(self, settings, number):
        """Tell whether ``number`` is a line or a caller ID of our own."""
        return any(kind == "own" for kind, *_rest in self._known(settings, number))

    # ------------------------------------------------------------------- leads

    def _lead_of(self, settings, number, partner_id):
        """Return the one open lead of a known contact, or ``False``."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT lead.id FROM crm_lead lead
                 WHERE (lead.partner_id = %s OR lead.phone_sanitized = ANY(%s)) AND %s
                 LIMIT 2
                """,
                partner_id,
                _spellings(number),
                self._open_leads(settings),
            )
        )
        return rows[0][0] if len(rows) == 1 else False

    def _open_leads(self, settings):
        return SQL(
            "lead.active AND lead.won_status = 'pending' AND %s",
            self._in_company("lead", settings),
        )

    def _by_lead(self, settings, number):
        """Find a caller who is only a lead."""
        tail, spellings = numbers.tail(number), _spellings(number)
        alike = tail_condition("lead", tail) if tail else SQL("FALSE")
        self.env["crm.lead"].flush_model(["phone_sanitized", "phone", "active"])
        rows = self.env.execute_query(
            SQL(
                """
                WITH alike AS MATERIALIZED (
                     (SELECT id FROM crm_lead lead
                       WHERE lead.phone_sanitized = ANY(%(spellings)s) AND %(is_open)s
                       LIMIT %(limit)s)
                      UNION
                     (SELECT id FROM crm_lead lead
                       WHERE %(alike)s AND %(is_open)s LIMIT %(limit)s))
                SELECT lead.id, lead.partner_id, lead.phone, lead.phone_sanitized,
                       coalesce(lead.contact_name, lead.partner_name, lead.name),
                       country.code
                  FROM alike JOIN crm_lead lead ON lead.id = alike.id
             LEFT JOIN res_country country ON country.id = lead.country_id
              ORDER BY lead.id DESC
                """,
                spellings=spellings,
                alike=alike,
                is_open=self._open_leads(settings),
                limit=MAX_ALIKE,
            )
        )
        rows = [
            row
            for row in rows
            if row[3] in spellings
            or numbers.same_number(number, row[2], row[5], settings.countries)
        ]
        if len(rows) != 1:
            # Several leads of one contact are still that contact.
            partners = {row[1] for row in rows}
            if len(partners) == 1 and (partner_id := partners.pop()):
                return Match("lead", partner_id, False, rows[0][4] or "")
            return Match("several" if rows else "none")
        lead_id, partner_id, _phone, _sanitized, name, _country = rows[0]
        return Match("lead", partner_id or False, lead_id, name or "")

    # ------------------------------------------------------------ many numbers

    @api.model
    def _remember_strangers(self, settings, wanted, memory):
        """Find out, in one statement, which of ``wanted`` nobody has.

        What is found goes to ``memory``, that of ``_find``; all others are looked up
        one by one.

        :param wanted: E.164 numbers.
        """
        wanted = {number for number in wanted if (settings.id, number) not in memory}
        strangers = wanted - self._perhaps_known(settings, wanted)
        memory.update({(settings.id, number): Match("none") for number in strangers})

    def _perhaps_known(self, settings, wanted):
        """Return those of the numbers that contacts, leads or earlier picks may have.

        Each part is one look-up by its index for each number, whatever the number of
        contacts: LATERAL with a limit leaves the database no other plan.
        """
        if not wanted:
            return set()
        for model in ("res.partner", "crm.lead"):
            self.env[model].flush_model(["phone", "phone_sanitized"])
        self.env["pbx.call"].flush_model(["number", "partner_id", "partner_source"])
        rows = [
            (number, spelling, numbers.tail(number) or None)
            for number in wanted
            for spelling in _spellings(number)
        ]
        found = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT wanted.number
                  FROM unnest(%(numbers)s::text[], %(spellings)s::text[],
                              %(tails)s::text[])
                       AS wanted(number, spelling, tail)
                 CROSS JOIN LATERAL (
                       (SELECT 1 FROM res_partner partner
                         WHERE partner.phone_sanitized = wanted.spelling LIMIT 1)
                        UNION ALL
                       (SELECT 1 FROM res_partner partner
                         WHERE %(partner_tail)s = wanted.tail
                           AND partner.phone IS NOT NULL LIMIT 1)
                        UNION ALL
                       (SELECT 1 FROM crm_lead lead
                         WHERE lead.phone_sanitized = wanted.spelling LIMIT 1)
                        UNION ALL
                       (SELECT 1 FROM crm_lead lead
                         WHERE %(lead_tail)s = wanted.tail
                           AND lead.phone IS NOT NULL LIMIT 1)
                        UNION ALL
                       (SELECT 1 FROM pbx_call call
                         WHERE call.number = wanted.number
                           AND call.company_id = %(company)s
                           AND call.partner_source = 'picked' LIMIT 1)) known
                """,
                numbers=[row[0] for row in rows],
                spellings=[row[1] for row in rows],
                tails=[row[2] for row in rows],
                partner_tail=tail_sql("partner.phone"),
                lead_tail=tail_sql("lead.phone"),
                company=settings.company_id,
            )
        )
        return {number for [number] in found}

    # ------------------------------------------------------------------ people

    @api.model
    def _candidates(self, settings, number):
        """Return every contact that may have ``number``, for a person to choose.

        Under the reader's own rights, but for which numbers end alike.
        """
        partners = self.env["res.partner"]
        if not number or numbers.is_extension(number):
            return partners
        tail = self._by_tail(settings, number)
        exact = partners.search(
            [("phone_sanitized", "in", _spellings(number))], limit=MAX_CANDIDATES
        )
        return exact | partners.browse(row[1] for row in tail)._filtered_access("read")
