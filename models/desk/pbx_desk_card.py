"""The card of a call: the party, why they may call, and how it stands for a user."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import NamedTuple

from odoo import fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_amount

from ...telephony import numbers
from ...telephony.call import has_left, is_with_the_pbx, ringing_since
from ...telephony.facts import CallFacts
from ..call.notify import STILL_RINGS
from ..call.pbx_call import UNSETTLED

MAX_TAGS = 6
MAX_CANDIDATES = 10
# Why they may be calling: so many of each.
MAX_LEADS = MAX_ACTIVITIES = MAX_CALLS = 3
# Sources of a look-up that found no contact: another one would find none, too.
NOBODY = (False, "none", "lead")


class Standing(NamedTuple):
    """How a call stands for a user: a state of the card, and the colleague's name."""

    state: str
    taken_by: str = ""


class PbxDeskCard(models.AbstractModel):
    _name = "pbx.desk.card"
    _description = "Card of a call on the agent's desk"

    def _cards(self, calls):
        """Return what the browser shows of ``calls``, as plain values.

        What all of them need is read in one go: see ``_card`` for one of them.
        """
        if not calls:
            return []
        lines = self.env["pbx.line"]._names_of(calls)
        known = calls.filtered(self._is_looked_up)
        contacts = known.partner_id._filtered_access("read")
        reasons = self._reasons(known, contacts)
        spoken = self._last_spoken(known)
        promises = self._promises(known)
        tags = self._wrap_up_values(calls)
        return [
            {
                **self._card(call),
                "line_name": lines.get((call.provider_id.id, call.line)) or "",
                "looked_up": call in known,
                **self._party_values(call, call in known, contacts),
                "owner": self._owner(call) if call in known else "",
                "last_spoken": spoken.get(call.id, False),
                "promise": promises.get(call.id, False),
                **tags[call],
                **reasons.get(call, {"leads": [], "activities": [], "calls": []}),
            }
            for call in calls
        ]

    def _card(self, call):
        """Return what is known of a call without looking at anything else.

        ``state`` is how it stands for this user: ringing, ongoing, taken (by a
        colleague, ``taken_by``), done. A call from a colleague is an incoming one.
        """
        standing = self._standing(call)
        party = self._other_party(call)
        return {
            "id": call.id,
            "company_id": call.company_id.id,
            "state": standing.state,
            "taken_by": standing.taken_by,
            "direction": "inbound" if call._is_to_me() else call.direction or "",
            "outcome": call._outcome_for_me(),
            "disposition": call.disposition or "",
            "failure_reason": call.failure_reason or "",
            "voicemail": self._voicemail(call),
            **self._click_values(call),
            "number": party["number"],
            "number_readable": party["number_readable"],
            "line": call.line_readable or "",
            "start": fields.Datetime.to_string(call.start),
            "answer": fields.Datetime.to_string(call.answer) or False,
            "stop": fields.Datetime.to_string(call.stop) or False,
            "talk_seconds": call.talk_seconds,
            "note": call.note or "",
            "then_dial": call.then_dial or "",
            "can_claim": call.can_claim,
            "can_create_contact": self.env["res.partner"].has_access("create"),
            "can_create_lead": call.direction != "internal"
            and self.env["crm.lead"].has_access("create"),
            "can_link": call.direction != "internal",
            "to_call_back": call.with_context(**{UNSETTLED: True}).to_call_back,
            "country": call.number_country_id.name or "",
            "flag": call.number_country_id.image_url or "",
            "zone": numbers.zone_of(call.number, datetime.now(UTC)),
        }

    def _voicemail(self, call):
        """Return what the caller left of a missed call, ``False`` for nothing."""
        recording = call.voicemail_id
        return bool(recording) and {
            "id": recording.id,
            "seconds": call.voicemail_seconds,
            "can_hear": recording.state in ("stored", "linked"),
        }

    def _click_values(self, call):
        """Return how far a click-to-call has come, and whether it can be given up.

        ``rings_phone`` is the user's own phone, as long as that is what rings.
        """
        rings_own = call._rings_own_phone()
        return {
            "rings_phone": call.extension_id.number or "" if rings_own else "",
            "can_hang_up": call._can_hang_up(),
        }

    # -------------------------------------------------------------------- its standing

    def _standing(self, call):
        """Return the :class:`Standing` of a call at this user's phone."""
        phones = self.env.user.pbx_extension_ids
        spoke, user = call.extension_id, call.user_id
        mine = user.id == self.env.uid or (not user and spoke in phones)
        if call.direction == "internal" or mine:
            # Whoever was only called is not out of it because the caller is.
            is_over = mine and call.state == "ongoing" and self._has_left(call, spoke)
            return Standing("done" if is_over else call.state)
        if call.state == "ringing" and (call.direction == "inbound" or not user):
            # sudo: of the facts only whether any phone can still be lifted
            rings_no_more = is_with_the_pbx(CallFacts.from_json(call.sudo().facts))
            return Standing("done" if rings_no_more else "ringing")
        if call.state == "done" and call.outcome != "answered":
            return Standing("done")
        name = user.name or spoke.display_name or ""
        if call.state == "done":
            return Standing("taken", name) if name else Standing("done")
        if self._is_handed_on(call, spoke, phones):
            return Standing("ringing")
        return Standing("taken", name or self.env._("a colleague"))

    def _has_left(self, call, extension):
        """Tell whether who spoke last handed the call on, and it goes on elsewhere."""
        # sudo: of the facts only whether the phone of that user is still in the call
        facts = CallFacts.from_json(call.sudo().facts)
        return bool(extension) and has_left(facts, extension._identity())

    def _is_handed_on(self, call, spoke, phones):
        """Tell whether it rings at one of ``phones`` while somebody else speaks.

        A leg has its first ring only; who was rung before may be handed the call later.
        """
        own = call.leg_ids.filtered(lambda leg: leg.extension_id in phones)
        if not own or not spoke:
            return False
        # sudo: of the facts only what concerns the user's own phones
        facts = CallFacts.from_json(call.sudo().facts)
        since = ringing_since(facts, set(own.mapped("number")), spoke._identity())
        return bool(since) and since > fields.Datetime.now() - STILL_RINGS

    # ----------------------------------------------------------------------- the party

    def _is_looked_up(self, call):
        """Tell whether the party may be looked up yet; see ``lookup_on_answer``."""
        settings = call.provider_id._settings(call.provider_id.id)
        return bool(
            call.partner_source
            or call.state != "ringing"
            or not settings.lookup_on_answer
        )

    def _other_party(self, call):
        """Return name and number of the party at the other end."""
        if call.direction == "internal":
            number = call._other_leg().shown_number or call.number or ""
            return {
                "name": call.colleague_name or "",
                "number": number,
                "number_readable": number,
            }
        return {
            # sudo: the log shows the names of its callers to all who see the call
            "name": call.partner_id.sudo().display_name or call.lead_contact or "",
            "number": call.number or "",
            "number_readable": call.number_readable or "",
        }

    def _party_values(self, call, is_known, contacts):
        """Return the party, or the contacts that it may be.

        :param contacts: those of them that the user may read.
        """
        if not is_known:
            return {"name": "", "contact": False, "candidates": []}
        partner, candidates = call.partner_id, contacts.browse()
        if not partner and call.partner_source not in NOBODY:
            settings = call.provider_id._settings(call.provider_id.id)
            found = self.env["pbx.directory"]._candidates(settings, call.number)
            candidates = found[:MAX_CANDIDATES]
        return {
            "name": self._other_party(call)["name"],
            "contact": self._contact_details(partner) if partner & contacts else False,
            "candidates": [
                {**self._contact_values(one), "name": one.pbx_candidate_name}
                for one in candidates
            ],
        }

    def _contact_values(self, partner):
        """Return the few values that distinguish contacts in a list."""
        return {
            "id": partner.id,
            "name": partner.name or partner.display_name or "",
            "company": partner.parent_id.sudo().name or partner.company_name or "",
            "is_company": partner.is_company,
            "phone": partner.phone or "",
            "avatar": self._avatar(partner),
        }

    def _contact_details(self, partner):
        return {
            **self._contact_values(partner),
            "job": partner.function or "",
            "tags": [
                {"id": tag.id, "name": tag.name, "color": tag.color}
                for tag in partner.category_id[:MAX_TAGS]
            ],
            "country": partner.country_id.name or "",
            "company_id": partner.commercial_partner_id.id,
        }

    def _avatar(self, partner):
        stamp = int(partner.write_date.timestamp()) if partner.write_date else 0
        return f"/web/image/res.partner/{partner.id}/avatar_128?unique={stamp}"

    # ------------------------------------------------------------- whose customer it is

    def _owner(self, call):
        """Return the name of the salesperson, whoever may see contact and lead."""
        # sudo: whose customer calls is for all who take the call; the name alone
        user = call.owner_id.sudo()
        return "" if user == self.env.user else user.name or ""

    def _last_spoken(self, calls):
        """Return ``{id of a call: {"user", "start"}}``: who of ours spoke last with the
        same contact, or with the same number, before it.

        Of calls that the user may not see, too: who and when, and nothing else.
        """
        calls = calls.filtered(
            lambda call: call.direction != "internal" and call.number
        )
        if not calls:
            return {}
        calls.flush_model()
        # Two look-ups for each call, each by its own index and for one row.
        rows = self.env.execute_query(
            SQL(
                """SELECT this.id, users.partner_id, spoken.start
                     FROM pbx_call this
                    CROSS JOIN LATERAL (
                          (SELECT that.user_id, that.start FROM pbx_call that
                            WHERE that.number = this.number
                              AND that.company_id = this.company_id
                              AND that.outcome = 'answered'
                              AND that.start < this.start AND that.user_id IS NOT NULL
                         ORDER BY that.start DESC LIMIT 1)
                           UNION ALL
                          (SELECT that.user_id, that.start FROM pbx_call that
                            WHERE that.partner_id = this.partner_id
                              AND that.company_id = this.company_id
                              AND that.outcome = 'answered'
                              AND that.start < this.start AND that.user_id IS NOT NULL
                         ORDER BY that.start DESC LIMIT 1)
                         ORDER BY start DESC LIMIT 1) spoken
                     JOIN res_users users ON users.id = spoken.user_id
                    WHERE this.id = ANY(%s)""",
                list(calls.ids),
            )
        )
        # sudo: names of our own people
        people = self.env["res.partner"].sudo()
        people = people.browse([partner_id for _call, partner_id, _start in rows])
        return {
            call_id: {
                "user": person.name,
                "start": fields.Datetime.to_string(start),
            }
            for (call_id, _partner, start), person in zip(rows, people, strict=True)
        }

    # -------------------------------------------------- what they were promised already

    def _promises(self, calls):
        """Return ``{id of a call: the open call-back of its party}``.

        It is that of the number, else of the person, who has another number as well.

        :return: ``{"id", "deadline", "attempts", "overdue", "can_open"}`` of each.
        """
        calls = calls.filtered(
            lambda call: call.direction != "internal" and call.number
        )
        if not calls:
            return {}
        persons = calls.partner_id.sudo().filtered(lambda one: not one.is_company)
        # sudo: that somebody has to call back, for all whose phones ring; no names
        found = self.env["pbx.promise"].sudo().search(
            Domain("state", "=", "open")
            & Domain("company_id", "in", calls.company_id.ids)
            & (
                Domain("number", "in", calls.mapped("number"))
                | Domain("partner_id", "in", persons.ids)
            )
        )  # fmt: skip
        readable = found.sudo(False)._filtered_access("read")
        promises = {}
        for call in calls:
            theirs = found.filtered(
                lambda one, call=call: (
                    one.company_id == call.company_id
                    and (
                        one.number == call.number
                        or (one.partner_id and one.partner_id == call.partner_id)
                    )
                )
            ).sorted(lambda one, call=call: one.number != call.number)[:1]
            if theirs:
                promises[call.id] = {
                    "id": theirs.id,
                    "deadline": fields.Datetime.to_string(theirs.deadline),
                    "attempts": theirs.attempts,
                    "overdue": theirs.overdue,
                    "can_open": theirs.id in readable.ids,
                }
        return promises

    # ------------------------------------------------------------------- the wrap-up

    def _wrap_up_values(self, calls):
        """Return ``{call: {"tags", "asks", "can_block", "is_blocked"}}``.

        ``tags`` are those that the card offers, ``[{"id", "name", "color", "is_on"}]``;
        ``asks``: it stays until one is chosen, or there is nothing to say.
        """
        none = {"tags": [], "asks": False, "can_block": False, "is_blocked": False}
        # Of a call that goes on nothing is read.
        values = dict.fromkeys(calls, none)
        offered = self._tags_on_offer(calls)
        blocked = self._blocked(calls.filtered(lambda call: call in offered))
        for call, tags in offered.items():
            chosen = call.tag_ids
            values[call] = {
                "tags": [
                    {
                        "id": tag.id,
                        "name": tag.name,
                        "color": tag.color,
                        "is_on": tag in chosen,
                    }
                    # Archived ones are not offered, and can be taken away.
                    for tag in (tags | chosen).sorted()
                ],
                "asks": bool(tags) and self._asks(call),
                "can_block": call in blocked,
                "is_blocked": blocked.get(call, False),
            }
        return values

    def _tags_on_offer(self, calls):
        """Return ``{call: tags}`` of those calls that are over and may be tagged."""
        companies = self.env["res.company"]
        over = calls.filtered(
            lambda call: (
                call.state == "done"
                and call.direction != "internal"
                and companies._wrap_up(call.company_id.id) != "off"
                and self._standing(call).state == "done"
            )
        )
        if not over:
            return {}
        tags = self.env["pbx.call.tag"].search(
            [("company_id", "in", [False, *over.company_id.ids])]
        )
        return {
            call: tags.filtered(
                lambda tag, call=call: tag.company_id in (call.company_id, companies)
            )
            for call in over
        }

    def _asks(self, call):
        """Tell whether somebody still has to say what a talk was about."""
        return (
            call.outcome == "answered"
            and not call.tag_ids
            and not call.is_wrapped_up
            and self.env["res.company"]._wrap_up(call.company_id.id) == "ask"
        )

    def _blocked(self, calls):
        """Return ``{call: whether its number is blocked}``, in one statement.

        Of spam, for those who may block its number.
        """
        blocked = self.env["pbx.blocked"]
        spam = calls.filtered(lambda call: call.is_spam and call.number)
        spam = spam.filtered(lambda call: call.number.startswith("+"))
        if not spam or not blocked.has_access("create"):
            return {}
        found = self.env.execute_query(
            SQL(" UNION ALL ").join(
                SQL(
                    "SELECT %s, %s",
                    call.id,
                    blocked._condition(call.company_id.id, call.number),
                )
                for call in spam
            )
        )
        is_blocked = dict(found)
        return {call: is_blocked[call.id] for call in spam}

    # ------------------------------------------------------------ why they may call

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

    def _lead_as_caller(self, lead):
        """Return a lead in a list of those whom one may call."""
        return {
            "model": "crm.lead",
            "id": lead.id,
            "name": lead.contact_name or lead.partner_name or lead.name,
            "company": lead.name,
            "is_company": False,
            "phone": lead.phone or lead.partner_id.phone or "",
            "avatar": "",
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
