"""From an outside number to contact and lead, by indexed look-ups only."""

from dataclasses import dataclass
from typing import NamedTuple

from odoo import api, models
from odoo.tools import SQL

from ...telephony import number_keys, numbers
from .pbx_phone_number import phone_columns

# More people than this at one number are no help to anybody.
MAX_CANDIDATES = 20
# Numbers that end alike, before they are verified.
MAX_ALIKE = 200
# Contacts and leads that share a number, before those of other companies go.
MAX_SHARING = 1000
# What contacts and leads are found by.
KEYS = ("phone_sanitized", "pbx_number_ids")
# Contacts, the surest first.
CONTACTS = ("number", "tail", "possible")
ORDER = {kind: place for place, kind in enumerate(("own", "picked", *CONTACTS, "lead"))}


@dataclass(frozen=True)
class Match:
    """The outcome of a look-up; ids, or ``False``.

    :var int open_leads: how many open leads the caller has; 2: two or more.
    :var bool is_own: the number is one of our own.
    """

    source: str
    partner_id: int | bool = False
    lead_id: int | bool = False
    name: str = ""
    open_leads: int = 0
    is_own: bool = False


class Known(NamedTuple):
    """Something that is known of a number: one of our own, a pick, a contact, a lead.

    ``kind`` says which, ``typed`` what has to be verified, ``""`` for nothing.
    """

    kind: str
    partner_id: int | None = None
    entity_id: int | None = None
    lead_id: int | None = None
    name: str | None = None
    typed: str | None = None


def _spellings(number):
    """Return the E.164 forms under which the log may have ``number``."""
    return list(dict.fromkeys((number, numbers.canonical(number))))


def _is_nobody(number):
    """Extensions, services such as 112, and codes of the PBX are nobody's numbers."""
    return numbers.is_short(number) or numbers.is_feature_code(number)


class PbxDirectory(models.AbstractModel):
    """The directory of callers. It has no table: it reads contacts, leads, numbers."""

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
        if number and number == line:
            return Match("none", is_own=True)
        if not number or _is_nobody(number):
            return Match("none")
        if memory is None:
            return self._look_up(settings, number)
        if (settings.id, number) not in memory:
            memory[settings.id, number] = self._look_up(settings, number)
        return memory[settings.id, number]

    def _look_up(self, settings, number):
        rows = self._verified(settings, number, self._known(settings, number))
        by_kind = {}
        for row in rows:
            by_kind.setdefault(row.kind, []).append(row)
        if "own" in by_kind:
            return Match("none", is_own=True)
        leads = by_kind.get("lead", [])
        if picked := by_kind.get("picked"):
            return self._match_contact("remembered", picked[0], settings, leads)
        for source in ("number", "tail"):
            people = by_kind.get(source, [])
            if chosen := self._one_of(people):
                return self._match_contact(source, chosen, settings, leads)
            if people:
                return Match("several")
        if leads:
            return self._match_lead(leads)
        return Match("possible" if "possible" in by_kind else "none")

    @staticmethod
    def _one_of(people):
        """Return the one row that is meant, or ``None``.

        A company and its contacts sharing a number are the company.
        """
        if len(people) < 2:
            return people[0] if people else None
        entities = {row.entity_id for row in people}
        if len(entities) == 1:
            company = entities.pop()
            return next((row for row in people if row.partner_id == company), None)
        return None

    def _match_contact(self, source, row, settings, leads):
        """Return a contact, with its one open lead if it has just one."""
        lead_ids = [lead.lead_id for lead in leads]
        return self._of_contact(
            settings, row.partner_id, lead_ids, source, row.name or ""
        )

    def _of_contact(self, settings, partner_id, lead_ids=(), source="picked", name=""):
        """Return the same for a contact that is known.

        :param lead_ids: open leads that have the number.
        """
        found = self._rows(
            SQL(
                """SELECT lead.id FROM crm_lead lead
                    WHERE (lead.partner_id = %s OR lead.id = ANY(%s)) AND %s LIMIT 2""",
                partner_id,
                list(lead_ids),
                self._open_leads(settings),
            )
        )
        lead_id = found[0][0] if len(found) == 1 else False
        return Match(source, partner_id, lead_id, name, len(found))

    @staticmethod
    def _match_lead(leads):
        """Return a caller who is only a lead."""
        partners = {row.partner_id for row in leads}
        partner_id = partners.pop() if len(partners) == 1 else None
        if len(leads) == 1 or partner_id:
            # Several leads of one contact are still that contact.
            lead_id = leads[0].lead_id if len(leads) == 1 else False
            name, count = leads[0].name or "", min(len(leads), 2)
            return Match("lead", partner_id or False, lead_id, name, count)
        return Match("several")

    @staticmethod
    def _verified(settings, number, rows):
        """Return those of ``rows`` that are ``number``, each contact and lead once.

        What was typed without a country is read in those of the PBX.
        """
        verified = {}
        for row in rows:
            if row.typed:
                certainty = number_keys.certainty(number, row.typed, settings.countries)
                if not certainty:
                    continue
                if certainty == numbers.CANDIDATE:
                    row = row._replace(kind="possible")
            # Equality comes before equal ends: the first row of each stays.
            who = (row.kind == "picked", row.partner_id, row.lead_id)
            verified.setdefault(who if any(who) else row.kind, row)
        return list(verified.values())

    @staticmethod
    def _in_company(alias, settings):
        column = SQL.identifier(alias, "company_id")
        return SQL("(%s IS NULL OR %s = ANY(%s))", column, column, settings.company_ids)

    def _has_phone(self, model, alias):
        columns = [
            SQL.identifier(alias, name) for name in phone_columns(self.env[model])
        ]
        return SQL("num_nonnulls(%s) > 0", SQL(", ").join(columns))

    def _open_leads(self, settings):
        return SQL(
            "lead.active AND lead.won_status = 'pending' AND %s",
            self._in_company("lead", settings),
        )

    def _flush_people(self):
        """Write what look-ups read, the index of numbers included."""
        self.env["res.partner"].flush_model(
            [*KEYS, "active", "company_id", "commercial_partner_id"]
        )
        self.env["crm.lead"].flush_model(
            [*KEYS, "active", "company_id", "partner_id", "won_status"]
        )

    def _rows(self, query):
        """Return the rows of a look-up. Where a PBX waits it may be ended for taking
        too long, and the log must not hold who calls."""
        self.env.cr.execute(query, log_exceptions=False)
        return self.env.cr.fetchall()

    def _known(self, settings, number):
        """Return what is known of ``number``, as :class:`Known`, not verified yet.

        One statement, each part by its own index: is it one of our own lines, did a
        person pick somebody for it before, which contacts and open leads have it.
        """
        self._flush_people()
        self.env["pbx.call"].flush_model(["number", "line", "partner_id"])
        self.env["pbx.line"].flush_model(["number", "company_id", "active"])
        wanted = numbers.canonical(number)
        rows = self._rows(
            SQL(
                """
                WITH found AS MATERIALIZED (
                     (SELECT 'certain' AS kind, id AS partner_id,
                             NULL::integer AS lead_id, NULL::varchar AS typed
                        FROM res_partner
                       WHERE phone_sanitized = ANY(%(spellings)s) LIMIT %(sharing)s)
                      UNION ALL
                     (SELECT 'certain', NULL, id, NULL FROM crm_lead
                       WHERE phone_sanitized = ANY(%(spellings)s) LIMIT %(sharing)s)
                      UNION ALL
                     (SELECT kind, partner_id, lead_id, typed FROM pbx_phone_number
                       WHERE number = %(wanted)s LIMIT %(sharing)s)
                      UNION ALL
                     (SELECT kind, partner_id, lead_id, typed FROM pbx_phone_number
                       WHERE tail = %(tail)s LIMIT %(alike)s)
                      UNION ALL
                     (SELECT 'possible', partner_id, NULL, NULL FROM pbx_phone_number
                       WHERE number = ANY(%(stems)s) AND kind = 'stem'
                       LIMIT %(limit)s))
                (SELECT 'own', NULL::integer, NULL::integer, NULL::integer,
                        NULL::varchar, NULL::varchar
                   FROM pbx_call
                  WHERE company_id = %(company)s AND line = ANY(%(spellings)s)
                    AND direction = 'inbound'
                    -- Archived: no line of ours any more, or none that ever was.
                    AND NOT EXISTS (
                        SELECT 1 FROM pbx_line
                         WHERE company_id = %(company)s
                           AND number = ANY(%(spellings)s) AND active IS NOT TRUE)
                  LIMIT 1)
                UNION ALL
                (SELECT 'own', NULL, NULL, NULL, NULL, NULL FROM pbx_extension
                  WHERE company_id = %(company)s AND caller_id = ANY(%(spellings)s)
                  LIMIT 1)
                UNION ALL
                (SELECT 'own', NULL, NULL, NULL, NULL, NULL FROM pbx_line
                  WHERE company_id = %(company)s AND number = ANY(%(spellings)s)
                    AND active LIMIT 1)
                UNION ALL
                (SELECT 'picked', partner.id, partner.commercial_partner_id, NULL,
                        coalesce(partner.name, partner.complete_name), NULL
                   FROM pbx_call call JOIN res_partner partner
                     ON partner.id = call.partner_id
                  WHERE call.number = ANY(%(spellings)s)
                    AND call.company_id = %(company)s
                    AND call.partner_source = 'picked'
                    AND partner.active AND %(in_company)s
               ORDER BY call.write_date DESC LIMIT 1)
                UNION ALL
                (SELECT CASE WHEN NOT partner.active THEN 'possible'
                             WHEN found.kind = 'national' THEN 'tail'
                             WHEN found.kind IN ('possible', 'stem') THEN 'possible'
                             ELSE 'number' END,
                        partner.id, partner.commercial_partner_id, NULL,
                        coalesce(partner.name, partner.complete_name), found.typed
                   FROM found JOIN res_partner partner ON partner.id = found.partner_id
                  WHERE %(in_company)s AND %(partner_has_phone)s
               ORDER BY partner.id)
                UNION ALL
                (SELECT 'lead', lead.partner_id, NULL, lead.id,
                        coalesce(lead.contact_name, lead.partner_name, lead.name),
                        found.typed
                   FROM found JOIN crm_lead lead ON lead.id = found.lead_id
                  WHERE found.kind NOT IN ('possible', 'stem') AND %(is_open)s
                    AND %(lead_has_phone)s
               ORDER BY lead.id DESC)
                """,
                wanted=wanted,
                tail=numbers.tail(wanted) or None,
                stems=list(numbers.stems_of(wanted)),
                sharing=MAX_SHARING,
                alike=MAX_ALIKE,
                limit=MAX_CANDIDATES,
                company=settings.company_id,
                spellings=_spellings(number),
                in_company=self._in_company("partner", settings),
                is_open=self._open_leads(settings),
                # Whoever removes numbers by SQL, as scripts do that make a database
                # anonymous, knows nothing of our index.
                partner_has_phone=self._has_phone("res.partner", "partner"),
                lead_has_phone=self._has_phone("crm.lead", "lead"),
            )
        )
        return sorted((Known(*row) for row in rows), key=lambda row: ORDER[row.kind])

    @api.model
    def _is_own(self, settings, number):
        """Tell whether ``number`` is a line or a caller ID of our own."""
        return any(row.kind == "own" for row in self._known(settings, number))

    @api.model
    def _is_somebodys(self, settings, number):
        """Tell whether ``number`` is none of ours, and a contact's or a lead's. The
        cards of our own companies have our lines."""
        rows = self._verified(settings, number, self._known(settings, number))
        if any(row.kind == "own" for row in rows):
            return False
        # sudo: which contacts are our own companies
        companies_sudo = self.env["res.company"].sudo().browse(settings.company_ids)
        ours = companies_sudo.partner_id.ids
        return any(row.entity_id not in ours for row in rows)

    @api.model
    def _collect_calls(self, settings, number):
        """Have the earlier calls collected of whoever has ``number``: it is ours no
        longer."""
        rows = self._known(settings, number)
        rematch = self.env["pbx.rematch"]
        for model, ids in (
            ("res.partner", {row.partner_id for row in rows}),
            ("crm.lead", {row.lead_id for row in rows}),
        ):
            rematch._request(self.env[model].browse(sorted(filter(None, ids))))

    @api.model
    def _former_lead(self, settings, number, since):
        """Return the id of the lead that a call of ``number`` made, and that was lost
        or archived ``since``; ``None`` if there is none. Of several the last one."""
        self._flush_people()
        self.env["crm.lead"].flush_model(["date_closed", "pbx_call_id"])
        rows = self._rows(
            SQL(
                """WITH made AS MATERIALIZED (
                     (SELECT lead.id FROM pbx_call call JOIN crm_lead lead
                          ON lead.pbx_call_id = call.id
                       WHERE call.number = ANY(%(spellings)s)
                         AND call.company_id = %(company)s)
                      UNION
                     (SELECT id FROM crm_lead
                       WHERE phone_sanitized = ANY(%(spellings)s)
                         AND pbx_call_id IS NOT NULL))
                   SELECT lead.id FROM made JOIN crm_lead lead ON lead.id = made.id
                    WHERE (lead.active IS NOT TRUE OR lead.won_status = 'lost')
                      AND lead.date_closed >= %(since)s AND %(in_company)s
                 ORDER BY lead.date_closed DESC, lead.id DESC LIMIT 1""",
                spellings=_spellings(number),
                company=settings.company_id,
                since=since,
                in_company=self._in_company("lead", settings),
            )
        )
        return rows[0][0] if rows else None

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
        self._flush_people()
        self.env["pbx.call"].flush_model(["number", "partner_id", "partner_source"])
        rows = [
            (number, spelling, numbers.tail(spelling) or None)
            for number in wanted
            for spelling in _spellings(number)
        ]
        stems = [
            (number, stem)
            for number in wanted
            for stem in numbers.stems_of(numbers.canonical(number))
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
                       (SELECT 1 FROM crm_lead lead
                         WHERE lead.phone_sanitized = wanted.spelling LIMIT 1)
                        UNION ALL
                       (SELECT 1 FROM pbx_phone_number phone
                         WHERE phone.number = wanted.spelling LIMIT 1)
                        UNION ALL
                       (SELECT 1 FROM pbx_phone_number phone
                         WHERE phone.tail = wanted.tail LIMIT 1)
                        UNION ALL
                       (SELECT 1 FROM pbx_call call
                         WHERE call.number = wanted.spelling
                           AND call.company_id = %(company)s
                           AND call.partner_source = 'picked' LIMIT 1)) known
                 UNION
                SELECT wanted.number
                  FROM unnest(%(stem_numbers)s::text[], %(stems)s::text[])
                       AS wanted(number, stem)
                 CROSS JOIN LATERAL (
                       SELECT 1 FROM pbx_phone_number phone
                        WHERE phone.number = wanted.stem AND phone.kind = 'stem'
                        LIMIT 1) known
                """,
                numbers=[row[0] for row in rows],
                spellings=[row[1] for row in rows],
                tails=[row[2] for row in rows],
                stem_numbers=[row[0] for row in stems],
                stems=[row[1] for row in stems],
                company=settings.company_id,
            )
        )
        return {number for [number] in found}

    # ------------------------------------------------------------------ people

    @api.model
    def _candidates(self, settings, number):
        """Return every contact that may have ``number``, for a person to choose.

        Archived ones too, and those of whom one number fits only nearly. Under the
        reader's own rights, but for which numbers there are.
        """
        partners = self.env["res.partner"]
        if not number or _is_nobody(number):
            return partners
        rows = self._verified(settings, number, self._known(settings, number))
        ids = [row.partner_id for row in rows if row.kind in CONTACTS]
        return partners.browse(ids)._filtered_access("read")[:MAX_CANDIDATES]
