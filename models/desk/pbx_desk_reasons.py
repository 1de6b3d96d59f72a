"""Why they may be calling: open leads, activities, the last calls; of many at once."""

from collections import defaultdict

from odoo import fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_amount

MAX_LEADS = MAX_ACTIVITIES = MAX_CALLS = 3


class PbxDeskCard(models.AbstractModel):
    _inherit = "pbx.desk.card"

    def _reasons(self, calls, contacts):
        """Return ``{call: {"leads", "activities", "calls"}}``, a few of each.

        :param calls: whose party may be known.
        :param contacts: those of their contacts that the user may read.
        """
        calls = calls.filtered(lambda call: call.direction != "internal")
        leads = self._open_leads(calls, contacts)
        activities = contacts.activity_ids | leads.activity_ids
        activities = activities._filtered_access("read").sorted("date_deadline")
        earlier = self._earlier(calls)
        reasons = {}
        for call in calls:
            contact = call.partner_id & contacts
            theirs = leads.filtered(
                lambda lead, call=call, contact=contact: (
                    lead == call.lead_id or (contact and lead.partner_id == contact)
                )
            ).sorted(lambda lead, call=call: lead != call.lead_id)[:MAX_LEADS]
            open_ones = activities & (contact.activity_ids | theirs.activity_ids)
            reasons[call] = {
                "leads": [self._lead_values(lead) for lead in theirs],
                "activities": [
                    self._activity_values(activity)
                    for activity in open_ones[:MAX_ACTIVITIES]
                ],
                "calls": [self._call_values(one) for one in earlier[call.id]],
            }
        return reasons

    # ------------------------------------------------------------------------ leads

    def _open_leads(self, calls, contacts):
        """Return the leads of these calls, and the first ones of each contact."""
        leads = self.env["crm.lead"]
        own = calls.lead_id.ids
        theirs = Domain("id", "in", own) | Domain("partner_id", "in", contacts.ids)
        if not (own or contacts) or not leads.has_access("read"):
            return leads
        query = leads._search(theirs & Domain("won_status", "=", "pending"))
        ranked = query.select(
            SQL.identifier(query.table, "id"),
            SQL(
                "row_number() OVER (PARTITION BY %s ORDER BY %s)",
                SQL.identifier(query.table, "partner_id"),
                leads._order_to_sql(leads._order, query),
            ),
        )
        rows = self.env.execute_query(
            SQL(
                """SELECT id FROM (%s) AS ranked(id, place)
                    WHERE place <= %s OR id = ANY(%s) ORDER BY place, id DESC""",
                ranked,
                MAX_LEADS,
                own,
            )
        )
        return leads.browse([lead_id for [lead_id] in rows])

    def _lead_values(self, lead):
        currency = lead.company_currency or self.env.company.currency_id
        revenue = lead.expected_revenue
        return {
            "id": lead.id,
            "name": lead.name,
            "stage": lead.stage_id.name or "",
            "revenue": format_amount(self.env, revenue, currency) if revenue else "",
        }

    # ------------------------------------------------------------------- activities

    def _activity_values(self, activity):
        return {
            "id": activity.id,
            "res_model": activity.res_model,
            "res_id": activity.res_id,
            "name": activity.summary or activity.activity_type_id.name or "",
            "on": activity.res_name or "",
            "state": activity.state,
            "deadline": fields.Date.to_string(activity.date_deadline),
            "user": activity.user_id.name or "",
            "icon": activity.icon or "",
        }

    # ------------------------------------------------------------------ the last calls

    def _earlier(self, calls):
        """Return ``{id of a call: the last ones before it}``, with the same person, or
        with the same number where nobody is known."""
        known = calls.filtered("partner_id")
        unknown = (calls - known).filtered("number")
        pairs = self._before(known, "partner_id") + self._before(unknown, "number")
        # One prefetch for all of them.
        found = self.env["pbx.call"].browse([earlier for _call, earlier in pairs])
        earlier = defaultdict(list)
        for (call_id, _earlier), one in zip(pairs, found, strict=True):
            earlier[call_id].append(one)
        return earlier

    def _before(self, calls, name):
        """Return pairs ``(id of a call, id of one before)``, alike in field ``name``.

        LATERAL with a limit: a few rows for each call, by the field's own index.
        """
        if not calls:
            return []
        columns = (name, "id", "start")

        def is_earlier(model, alias, query):
            this, that = (
                [
                    SQL.identifier(table, column, to_flush=model._fields[column])
                    for column in columns
                ]
                for table in ("this", alias)
            )
            same, itself, before = zip(that, this, strict=True)
            return SQL("%s = %s AND %s != %s AND %s <= %s", *same, *itself, *before)

        query = calls._search(
            Domain.custom(to_sql=is_earlier),
            order="start desc, id desc",
            limit=MAX_CALLS,
        )
        return self.env.execute_query(
            SQL(
                """SELECT this.id, that.id FROM pbx_call this
                    CROSS JOIN LATERAL (%s) that WHERE this.id = ANY(%s)
                 ORDER BY this.id, that.start DESC, that.id DESC""",
                query.select(
                    SQL.identifier(query.table, "id"),
                    SQL.identifier(query.table, "start"),
                ),
                list(calls.ids),
            )
        )

    def _call_values(self, call):
        return {
            "id": call.id,
            "start": fields.Datetime.to_string(call.start),
            "direction": call.direction or "",
            "state": call.state,
            "outcome": call.outcome or "",
            "talk_seconds": call.talk_seconds,
            "note": call.note or "",
            "user": call.user_id.name or "",
        }
