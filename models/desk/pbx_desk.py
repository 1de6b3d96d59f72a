"""What an agent's browser reads for the phone, under the agent's own rights."""

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

from ..call.notify import FRESH, STILL_RINGS
from ..people.number_search import NumberSearch
from ..tools.companies import of_all_companies

# How many callers to call back are counted.
MAX_MISSED = 100
MAX_CARDS = 10
# Calls going on in which the user has a part: most are taken by colleagues.
MAX_LIVE = 100
MAX_FOUND = 8
PREFERENCES = {
    "open_contact": "pbx_open_contact",
    "sound": "pbx_sound",
    "do_not_disturb": "pbx_do_not_disturb",
    "card_side": "pbx_card_side",
    "phone_id": "pbx_dial_extension_id",
}


class PbxDesk(models.AbstractModel):
    """The agent's desk. It has no table: it reads calls, contacts and phones."""

    _name = "pbx.desk"
    _description = "Agent's desk"

    # -------------------------------------------------------------------- the whole

    @api.model
    @api.readonly
    def overview(self):
        """Return all that the desk shows.

        :return: ``{"phones", "lines", "preferences", "missed", "cards", "now"}``;
            without a phone ``{"phones": []}``.
        """
        self = of_all_companies(self)
        phones = self._phones()
        if not phones:
            return {"phones": []}
        return {
            "phones": [self._phone_values(phone) for phone in phones],
            "lines": self.env["pbx.call"].dial_lines(),
            "preferences": self._preferences(),
            "missed": self._count_missed(),
            **self._cards_of(self._live_calls() | self._asked_calls()),
        }

    def _phones(self):
        """Return the user's phones, the one that dials first; none for others."""
        self = of_all_companies(self)
        if not self.env.user.has_group("cloud_pbx.group_pbx_user"):
            return self.env["pbx.extension"]
        phones = self.env["pbx.call"]._phones()
        return phones.filtered(lambda phone: phone.provider_id.is_running)

    def _has_phone(self):
        """Tell whether ``_phones`` has any: for every page that is loaded, by one query
        at the most."""
        phones = self.env["pbx.extension"]
        if not self.env.user.has_group("cloud_pbx.group_pbx_user"):
            return False
        if not phones._has_phone():
            return False
        # sudo: of which PBXs, and whether they run, of one's own phones
        running = phones.sudo().search_count(
            [
                ("user_ids", "in", self.env.uid),
                ("company_id", "in", self.env.user._get_company_ids()),
                ("provider_id.active", "=", True),
                ("provider_id.user_id.active", "=", True),
                ("provider_id.user_id.share", "=", False),
            ],
            limit=1,
        )
        return bool(running)

    def _phone_values(self, phone):
        return {
            "id": phone.id,
            "number": phone.number,
            "name": phone.display_name,
            "status": phone.status,
            "dials_short_numbers": phone.provider_id._dialect().dials_short_numbers,
        }

    # ------------------------------------------------------------------ preferences

    def _preferences(self):
        user = self.env.user
        values = {name: user[field] for name, field in PREFERENCES.items()}
        return {**values, "phone_id": values["phone_id"].id}

    @api.model
    def set_preferences(self, values):
        """Change the user's own preferences; return all of them."""
        unknown = values.keys() - PREFERENCES.keys()
        if unknown:
            names = ", ".join(sorted(unknown))
            raise UserError(self.env._("There are no such preferences: %s", names))
        phone_id = values.get("phone_id")
        if phone_id and phone_id not in self._phones().ids:
            raise UserError(self.env._("This phone is not yours. Load the page again."))
        user = self.env["res.users"].browse(self.env.uid)
        user.write({PREFERENCES[name]: value for name, value in values.items()})
        return self._preferences()

    # ------------------------------------------------------------------------ calls

    @api.model
    @api.readonly
    def cards(self, call_ids):
        """Return the cards of those calls that exist and that the user may see.

        :return: ``{"cards": [...], "now"}``; see ``pbx.desk.card``.
        """
        self = of_all_companies(self)
        calls = self.env["pbx.call"].browse(call_ids).exists()._filtered_access("read")
        return self._cards_of(calls)

    def _cards_of(self, calls):
        return {
            "cards": self.env["pbx.desk.card"]._cards(calls),
            "now": fields.Datetime.to_string(fields.Datetime.now()),
        }

    def _live_calls(self):
        """Return the user's calls that are going on, apart from those of colleagues."""
        now = fields.Datetime.now()
        calls = self.env["pbx.call"].search(
            Domain("state", "in", ("ringing", "ongoing"))
            & Domain("start", ">", now - FRESH)
            & Domain.OR(self._own()),
            limit=MAX_LIVE,
        )
        standing = self.env["pbx.desk.card"]._standing
        return calls.filtered(
            lambda call: (
                standing(call).state != "taken"
                and (
                    call.state != "ringing"
                    or (call.last_event_at or call.start) > now - STILL_RINGS
                )
            )
        )[:MAX_CARDS]

    def _asked_calls(self):
        """Return the user's talks of which the card still asks what they were about."""
        companies = self.env.companies.filtered(
            lambda company: company._wrap_up(company.id) == "ask"
        )
        if not companies:
            return self.env["pbx.call"]
        return self.env["pbx.call"].search(
            [
                ("user_id", "=", self.env.uid),
                ("start", ">", fields.Datetime.now() - FRESH),
                ("company_id", "in", companies.ids),
                ("state", "=", "done"),
                ("outcome", "=", "answered"),
                ("direction", "!=", "internal"),
                ("is_wrapped_up", "!=", True),
                ("tag_ids", "=", False),
            ],
            limit=MAX_CARDS,
        )

    def _own(self):
        """Return the two domains of which either makes a call the user's own."""
        uid = self.env.uid
        return Domain("user_id", "=", uid), Domain("participant_ids", "in", uid)

    def _log(self):
        """Return the model of calls, for domains that name no more than one may see.

        The rules would add the same conditions once more; with them the database reads
        whole tables.
        """
        self.env["pbx.call"].check_access("read")
        # sudo: the callers' domains name the user, this one the companies
        return self.env["pbx.call"].sudo(), Domain(
            "company_id", "in", self.env.companies.ids
        )

    def _missed(self):
        """Return model and domain of the call-backs that are this user's business."""
        self.env["pbx.promise"].check_access("read")
        # sudo: the domain names no more than one may see, and the rules would add the
        # same conditions once more; with them the database reads whole tables
        promises = self.env["pbx.promise"].sudo()
        in_companies = Domain("company_id", "in", self.env.companies.ids)
        return promises, in_companies & promises._my_open()

    @api.model
    @api.readonly
    def count_missed(self):
        """Return how many callers nobody has called back, up to ``MAX_MISSED``."""
        return of_all_companies(self)._count_missed()

    def _count_missed(self):
        promises, mine = self._missed()
        return promises.search_count(mine, limit=MAX_MISSED)

    @api.model
    @api.readonly
    def missed_calls(self):
        """Return whom nobody has called back: a row for each, the most urgent first.

        :return: as of :meth:`recent`, of the last lost call; with ``ids``, all lost
            calls of the caller, ``promise_id``, ``attempts``, ``tries``, ``deadline``,
            ``overdue``, ``responsible`` (a name) and ``is_mine``.
        """
        self = of_all_companies(self)
        promises, mine = self._missed()
        found = promises.search(mine, order="deadline, opened_at, id", limit=MAX_MISSED)
        lost = found.call_ids.filtered(lambda call: call.promise_part == "lost")
        of_promise = lost.sorted("start", reverse=True).grouped("promise_id")
        found = found.filtered(lambda promise: promise in of_promise)
        # One record set: what the rows need is read of all of them at once.
        last = lost.browse([of_promise[promise].ids[0] for promise in found])
        # sudo: who calls back sees what the caller's calls show, wherever they rang
        return [
            {
                **self._row(call),
                "ids": of_promise[promise].ids,
                "promise_id": promise.id,
                "attempts": promise.attempts,
                "tries": promise.tries,
                "deadline": fields.Datetime.to_string(promise.deadline),
                "overdue": promise.overdue,
                "responsible": promise.user_id.name or "",
                "is_mine": promise.user_id.id == self.env.uid,
            }
            for promise, call in zip(found, last, strict=True)
        ]

    @api.model
    @api.readonly
    def recent(self, before=False, limit=20):
        """Return the user's own calls, the newest first.

        :param before: ``[start, id]`` of the last one shown, for those before it.
        :return: ``{"calls": [...], "more": whether there are further ones}``.
        """
        self = of_all_companies(self)
        limit = min(max(int(limit), 1), 100)
        calls, domain = self._log()
        if before:
            start, last_id = before
            # The index ends at the first condition.
            domain &= Domain("start", "<=", start)
            domain &= Domain("start", "<", start) | Domain("id", "<", last_id)
        # One query for each: no index serves both in one.
        found = calls.union(
            *(
                calls.search_fetch(
                    domain & own,
                    ["start"],
                    order="start desc, id desc",
                    limit=limit + 1,
                )
                for own in self._own()
            )
        ).sorted(lambda call: (call.start, call.id), reverse=True)
        return {"calls": self._rows(found[:limit]), "more": len(found) > limit}

    def _rows(self, calls):
        """Return what the lists show of calls, read under the user's own rights."""
        return [self._row(call) for call in calls.sudo(False)]

    def _row(self, call):
        party = self.env["pbx.desk.card"]._other_party(call)
        return {
            "id": call.id,
            "company_id": call.company_id.id,
            "start": fields.Datetime.to_string(call.start),
            "direction": call.direction,
            "state": call.state,
            "outcome": call._outcome_for_me(),
            "name": party["name"],
            "partner_id": call.partner_id.id,
            "number": party["number"],
            "number_readable": party["number_readable"],
            "talk_seconds": call.talk_seconds,
            "user": call.user_id.name or "",
            "mine": call.user_id.id == self.env.uid,
            "to_call_back": call.to_call_back,
            "failure_reason": call.failure_reason or "",
            "voicemail": self.env["pbx.desk.card"]._voicemail(call),
        }

    # --------------------------------------------------------------------- contacts

    @api.model
    @api.readonly
    def search_contacts(self, text, limit=MAX_FOUND):
        """Return contacts by name or number, for dialling and for linking."""
        self = of_all_companies(self)
        text = (text or "").strip()
        partners = self.env["res.partner"]
        if len(text) < 2 or not partners.has_access("read"):
            return []
        limit = min(max(int(limit), 1), 20)
        if NumberSearch.reads(text):
            found = NumberSearch(partners, text).find(limit)
        else:
            found = partners.search([("complete_name", "ilike", text)], limit=limit)
        return [self.env["pbx.desk.card"]._contact_values(partner) for partner in found]

    @api.model
    @api.readonly
    def search_callers(self, text, limit=MAX_FOUND):
        """Return contacts and leads by name or number: whom one may want to call.

        :return: contacts as of :meth:`search_contacts`, then open leads of nobody among
            them; each with its ``model``.
        """
        self = of_all_companies(self)
        contacts = self.search_contacts(text, limit)
        return [
            *({**contact, "model": "res.partner"} for contact in contacts),
            *self._find_leads(text, [contact["id"] for contact in contacts], limit),
        ]

    def _find_leads(self, text, contact_ids, limit):
        text = (text or "").strip()
        leads = self.env["crm.lead"]
        if len(text) < 2 or not leads.has_access("read"):
            return []
        limit = min(max(int(limit), 1), 20)
        others = Domain("won_status", "=", "pending")
        others &= Domain("partner_id", "not in", contact_ids)
        if NumberSearch.reads(text):
            found = NumberSearch(leads, text).find(limit, others)
        else:
            names = ("name", "contact_name", "partner_name")
            named = Domain.OR(Domain(name, "ilike", text) for name in names)
            found = leads.search(named & others, limit=limit)
        return [self.env["pbx.desk.card"]._lead_as_caller(lead) for lead in found]

    @api.model
    def pick_contact(self, call_id, partner_id):
        """“This is who called”: return the call's new card."""
        self = of_all_companies(self)
        call = self.env["pbx.call"].browse(call_id).exists()
        partner = self.env["res.partner"].browse(partner_id).exists()
        if not call or not partner:
            raise UserError(self.env._("It is no longer there. Load the page again."))
        if not partner.has_access("read"):
            raise AccessError(self.env._("You may not see this contact."))
        if call.direction == "internal":
            raise UserError(self.env._("An internal call is not linked to a contact."))
        call._pick(partner)
        return self.cards([call.id])
