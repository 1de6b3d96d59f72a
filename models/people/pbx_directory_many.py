"""Who is it, for many numbers at once: most callers of a long past are strangers."""

from odoo import api, models
from odoo.tools import SQL

from ...telephony import numbers
from .pbx_directory import Match, _spellings
from .phone_index import tail_expression


class PbxDirectory(models.AbstractModel):
    _inherit = "pbx.directory"

    @api.model
    def _remember_strangers(self, settings, asked, memory=None):
        """Find out, in one statement, which of ``asked`` nobody has.

        What is found goes to ``memory``, that of ``_find``; all others are looked up
        one by one.

        :param asked: E.164 numbers.
        """
        if memory is None:
            memory = self.env.context["pbx_found"]
        asked = {number for number in asked if (settings.id, number) not in memory}
        strangers = asked - self._perhaps_known(settings, asked)
        memory.update({(settings.id, number): Match("none") for number in strangers})

    def _perhaps_known(self, settings, asked):
        """Return those of the numbers that contacts, leads or earlier picks may have.

        Each part is one look-up by its index for each number, whatever the number of
        contacts: LATERAL with a limit leaves the database no other plan.
        """
        if not asked:
            return set()
        for model in ("res.partner", "crm.lead"):
            self.env[model].flush_model(["phone", "phone_sanitized"])
        self.env["pbx.call"].flush_model(["number", "partner_id", "partner_source"])
        rows = [
            (number, spelling, numbers.tail(number) or None)
            for number in asked
            for spelling in _spellings(number)
        ]
        found = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT asked.number
                  FROM unnest(%(numbers)s::text[], %(spellings)s::text[],
                              %(tails)s::text[])
                       AS asked(number, spelling, tail)
                 CROSS JOIN LATERAL (
                       (SELECT 1 FROM res_partner partner
                         WHERE partner.phone_sanitized = asked.spelling LIMIT 1)
                        UNION ALL
                       (SELECT 1 FROM res_partner partner
                         WHERE %(partner_tail)s = asked.tail
                           AND partner.phone IS NOT NULL LIMIT 1)
                        UNION ALL
                       (SELECT 1 FROM crm_lead lead
                         WHERE lead.phone_sanitized = asked.spelling LIMIT 1)
                        UNION ALL
                       (SELECT 1 FROM crm_lead lead
                         WHERE %(lead_tail)s = asked.tail
                           AND lead.phone IS NOT NULL LIMIT 1)
                        UNION ALL
                       (SELECT 1 FROM pbx_call call
                         WHERE call.number = asked.number
                           AND call.company_id = %(company)s
                           AND call.partner_source = 'picked' LIMIT 1)) known
                """,
                numbers=[row[0] for row in rows],
                spellings=[row[1] for row in rows],
                tails=[row[2] for row in rows],
                partner_tail=_tail("partner"),
                lead_tail=_tail("lead"),
                company=settings.company_id,
            )
        )
        return {number for [number] in found}


def _tail(alias):
    return SQL(tail_expression(f"{alias}.phone").replace("%", "%%"))
