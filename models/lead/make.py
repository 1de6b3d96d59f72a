"""Making leads of calls that are over."""
# pylint: disable=invalid-commit

import logging
from collections import Counter
from dataclasses import replace
from datetime import timedelta

from odoo import fields
from odoo.tools import SQL

from odoo.addons.crm.models.crm_lead import PARTNER_ADDRESS_FIELDS_TO_SYNC

from ...telephony.event import SPOKEN
from ...telephony.lead import (
    FORMER_WITHIN,
    SHORT_WITHIN,
    Caller,
    EndedCall,
    decide,
    effective_policy,
    is_wanted,
    refusal,
)
from ...telephony.promise import LOST_OUTCOMES
from ..call.lines import OF_UTM
from ..people.crm_lead import KEEP_CONTACT_PHONE
from ..tools.quiet import QUIET
from ..tools.transactions import (
    CONFLICTS,
    TRIES,
    limit_lock_waits,
    lock_rows,
    lock_timeout,
    one_after_another,
    pause_before_retry,
    roll_back,
)
from .automatic import MADE

_logger = logging.getLogger(__name__)

BATCH = 100
# So often in one run of the job.
MAX_CONFLICTS = 5
# What failed is tried again after as long as the call is over, within these bounds.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=5), timedelta(days=1)
# Odoo's own: "run as" does not follow each lead, and who has spoken, or has to call
# back anyway, gets no e-mail about it.
LEAD_CONTEXT = {
    "mail_create_nosubscribe": True,
    "mail_auto_subscribe_no_notify": True,
    KEEP_CONTACT_PHONE: True,
}


# How a look-up finds a contact, and not a lead.
CONTACT_SOURCES = frozenset(("number", "tail", "remembered", "picked"))


class LeadMaker:
    """Looks at the calls that wait, each in a transaction of its own.

    A plain class: it is one run of the job. Calls of one number have their turns, so
    that each sees the lead of the one before, whoever else makes leads.

    :param env: the job's, on the cursor whose transactions are used.
    """

    def __init__(self, env):
        self.env = env
        # Calls that this run does not look at any more.
        self.set_aside = []

    def run(self):
        """Look at all that wait, the oldest first, as long as the job has time."""
        progress = self.env["ir.cron"]._commit_progress
        conflicts = Counter()
        while waiting := self._waiting():
            for place, (call_id, company_id, number, total) in enumerate(waiting, 1):
                key = f"pbx.lead/{company_id}/{number or call_id}"
                if not self._take_turn(call_id, key):
                    # Others of the number end at this moment: the next ones come first.
                    conflicts[call_id] += 1
                    if conflicts[call_id] == MAX_CONFLICTS:
                        self._set_aside(call_id)
                if not progress(1, remaining=total - place):
                    return

    def _waiting(self):
        """Return ``[(call id, company id, number, how many wait)]``."""
        self.env["pbx.call"].flush_model(["lead_after"])
        return self.env.execute_query(
            SQL(
                """SELECT id, company_id, number, count(*) OVER () FROM pbx_call
                    WHERE lead_after <= %s AND id != ALL(%s)
                 ORDER BY start, id LIMIT %s""",
                fields.Datetime.now(),
                self.set_aside,
                BATCH,
            )
        )

    def _take_turn(self, call_id, key):
        """Look at a call after the others of its number; it holds no other one up.

        :return: whether that is done with: ``False`` if others wrote the same.
        """
        cr = self.env.cr
        for attempt in range(1, TRIES + 1):
            try:
                with one_after_another(self.env, key):
                    CallAtHand(self.env, call_id).run()
                    self.env.flush_all()
                    cr.commit()
                return True
            except CONFLICTS as error:
                # Somebody writes the call, or the lead, at this moment.
                roll_back(cr, error)
                pause_before_retry(attempt)
            except Exception:  # noqa: BLE001
                cr.rollback()
                _logger.exception("Call %s: no lead could be made", call_id)
                self._set_aside(call_id)
                return True
        return False

    def _set_aside(self, call_id):
        """Let the others come first, and try this one again: in another run."""
        self.set_aside.append(call_id)
        cr = self.env.cr
        try:
            limit_lock_waits(self.env)
            cr.execute(
                SQL(
                    """UPDATE pbx_call
                          SET lead_after = %(now)s + least(greatest(
                              %(now)s - coalesce(stop, start), %(first)s), %(longest)s)
                        WHERE id = %(id)s AND lead_after IS NOT NULL""",
                    now=fields.Datetime.now(),
                    first=FIRST_PAUSE,
                    longest=LONGEST_PAUSE,
                    id=call_id,
                ),
                log_exceptions=False,
            )
            cr.commit()
        except CONFLICTS:
            # Somebody holds it still, for however long: nobody waits for that.
            cr.rollback()


class CallAtHand:
    """One call that waits: does a lead follow from it?

    :param env: the job's; all is done in the name of the "run as" of the call's PBX.
    """

    def __init__(self, env, call_id):
        self.is_waiting, self.is_spam = self._lock(env, call_id)
        if not self.is_waiting:
            return
        call = env["pbx.call"].browse(call_id)
        self.settings = env["pbx.provider"]._settings(call.provider_id.id)
        self.wanted = env["res.company"]._lead_settings(call.company_id.id)
        # sudo: a lead follows from the call, whatever "run as" may do in CRM
        user = env["res.users"].browse(self.settings.user_id or env.uid)
        self.env = env(
            user=user.id,
            su=True,
            context={
                "lang": user.lang,
                "allowed_company_ids": call.company_id.ids,
                **LEAD_CONTEXT,
            },
        )
        self.call = call.with_env(self.env).with_context(**QUIET)

    @staticmethod
    def _lock(env, call_id):
        """Keep others from writing the call; return whether it waits, and is spam.

        :raises CONFLICTS: somebody was quicker, or holds it for too long.
        """
        env.cr.execute(
            SQL(
                """WITH this AS MATERIALIZED (
                   SELECT set_config('lock_timeout', %s, TRUE))
                   SELECT call.lead_after IS NOT NULL,
                          EXISTS (SELECT 1 FROM pbx_call_tag_rel rel
                                    JOIN pbx_call_tag tag ON tag.id = rel.tag_id
                                   WHERE rel.call_id = call.id AND tag.is_spam)
                     FROM this CROSS JOIN pbx_call call WHERE call.id = %s
                      FOR NO KEY UPDATE OF call""",
                lock_timeout(),
                call_id,
            ),
            log_exceptions=False,
        )
        return env.cr.fetchone() or (False, False)

    def run(self):
        """Make the lead, or link the one that is there, and take the mark off."""
        if not self.is_waiting:
            return
        call = self.call
        if call.state != "done":
            # It goes on; its end marks it again.
            call.lead_after = False
            return
        if seconds := call._settles_in_seconds():
            self._look_later(seconds)
            return
        values = {"lead_after": False, "lead_verdict": call.lead_verdict or "none"}
        if call.lead_id:
            values["lead_verdict"] = "lead"
        elif call.lead_verdict != "lead" and not call.lead_picked:
            values.update(self._link_values())
        call.write(values)
        if values.get("lead_id"):
            self._follow_with_call_back(call.lead_id)
        self._give_to_speaker()

    def _look_later(self, seconds):
        """A later leg may still take the end of this call back."""
        at = fields.Datetime.now() + timedelta(seconds=seconds)
        self.call.lead_after = at
        self.env.ref("cloud_pbx.ir_cron_leads")._trigger(at=at)

    # ---------------------------------------------------------------- the verdict

    def _link_values(self):
        """Return what links the call to its lead, a new one perhaps; else nothing."""
        call, ended = self.call, self._ended_call()
        if refusal(ended, self.wanted.min_seconds):
            return {}
        match = self._look_up()
        if refusal(replace(ended, is_our_own=match.is_own), self.wanted.min_seconds):
            return {}
        policy = effective_policy(self._line_policy(), self.wanted.policy)
        verdict = decide(policy, ended, self._caller(match, policy, ended))
        if verdict.makes_lead:
            lead_id = self._make_lead(match.partner_id).id
        elif not (lead_id := verdict.lead_id):
            return {}
        values = {"lead_id": lead_id, "lead_verdict": "lead"}
        if not call.partner_id and call.partner_source != "picked":
            # As a look-up would find the caller now.
            values["partner_source"] = match.source if match.partner_id else "lead"
            if match.partner_id:
                values["partner_id"] = match.partner_id
        return values

    def _look_up(self):
        """Return who it was, as far as that is known by now: a ``Match``."""
        call, directory = self.call, self.env["pbx.directory"]
        match = directory._find(self.settings, call.number, call.line)
        if match.is_own or match.partner_id == call.partner_id.id:
            return match
        if call.partner_id:
            # A person said so, or the contact had this number when it called.
            leads = [match.lead_id] if match.lead_id else []
            return directory._of_contact(self.settings, call.partner_id.id, leads)
        if call.partner_source == "picked" and match.source in CONTACT_SOURCES:
            # A person said that it is not that contact.
            return replace(
                match, source="none", partner_id=False, lead_id=False, open_leads=0
            )
        return match

    def _line_policy(self):
        lines = self.env["pbx.line"]._known(self.settings.id).values()
        line_id = self.call.line_id.id
        return next((one.lead_policy for one in lines if one.line_id == line_id), None)

    def _ended_call(self):
        call = self.call
        ended = EndedCall(
            direction=call.direction or "",
            outcome=call.outcome or "",
            number=call.number or "",
            stop=call.stop or None,
            # The log has 0 where nobody reported it: past calls have no waits.
            wait=call.wait_seconds or (None if call.from_history else 0),
            talk=call.talk_seconds or None,
            reported_at=call.reported_at or None,
            is_blocked=call.is_blocked,
            is_spam=self.is_spam,
        )
        if not ended.number or not ended.is_short(self.wanted.min_seconds):
            return ended
        return replace(ended, has_short_twin=self._has_short_twin())

    def _has_short_twin(self):
        """Tell whether the caller was as quick within a day before.

        Or after, if that call was looked at already: it was reported first.
        """
        call = self.call
        self.env["pbx.call"].flush_model()
        return bool(
            self.env.execute_query(
                SQL(
                    """SELECT 1 FROM pbx_call
                        WHERE number = %(number)s AND company_id = %(company)s
                          AND start BETWEEN %(start)s - %(day)s AND %(start)s + %(day)s
                          AND direction = 'inbound' AND state = 'done'
                          AND (outcome = ANY(%(lost)s) AND wait_seconds < %(least)s
                               AND (wait_seconds > 0 OR from_history IS NOT TRUE)
                               OR outcome = %(spoken)s AND talk_seconds > 0
                                  AND talk_seconds < %(least)s)
                          AND id != %(id)s
                          AND ((start, id) < (%(start)s, %(id)s) OR lead_after IS NULL)
                        LIMIT 1""",
                    number=call.number,
                    company=call.company_id.id,
                    start=call.start,
                    day=SHORT_WITHIN,
                    lost=sorted(LOST_OUTCOMES),
                    spoken=SPOKEN,
                    least=self.wanted.min_seconds,
                    id=call.id,
                )
            )
        )

    def _caller(self, match, policy, ended):
        """Return the :class:`Caller`, by what the directory has found."""
        caller = Caller(
            is_contact=match.source in CONTACT_SOURCES and bool(match.partner_id),
            is_several=match.source == "several",
            open_leads=match.open_leads,
            open_lead_id=match.lead_id or None,
        )
        if caller.open_leads or not is_wanted(policy, ended, caller.is_contact):
            return caller
        since = fields.Datetime.now() - FORMER_WITHIN
        directory = self.env["pbx.directory"]
        former = directory._former_lead(self.settings, self.call.number, since)
        return replace(caller, former_lead_id=former)

    # ------------------------------------------------------------------- the lead

    def _make_lead(self, partner_id):
        call, env = self.call, self.env
        country = call._country_of_number()
        partner = env["res.partner"].browse(partner_id or ())
        # Their company may have changed since: Odoo refuses a lead of two.
        company = call.company_id
        partner, team = (
            one.filtered_domain(one._check_company_domain(company))
            for one in (partner, call.team_id)
        )
        values = {
            "name": env._("Call from %s", call.number_readable),
            "phone": call.number_readable,
            "partner_id": partner.id,
            "company_id": company.id,
            "pbx_call_id": call.id,
            "pbx_automatic": MADE,
            # Said explicitly: Odoo's default is the creator, and what has nobody is
            # what it assigns by its own rules.
            "user_id": self._salesperson().id,
            **{name: call[name].id for name in OF_UTM},
        }
        if team:
            values["team_id"] = team.id
        if country:
            values.update(self._address(partner, country), country_id=country.id)
        return env["crm.lead"].create(values)

    @staticmethod
    def _address(partner, country):
        """Return the contact's address, which Odoo leaves out where a lead is created
        with a country; nothing where it would not be in that country."""
        if not partner or partner.country_id not in (country, country.browse()):
            return {}
        known = {name: partner[name] for name in PARTNER_ADDRESS_FIELDS_TO_SYNC}
        return {
            name: getattr(value, "id", value) for name, value in known.items() if value
        }

    def _follow_with_call_back(self, lead):
        """Let the call-back follow: whose it is, a lead that was there may change.

        A lead that is new belongs to who calls back, or to nobody.
        """
        promise = self.call.promise_id
        if lead.pbx_call_id != self.call:
            self.call._follow_promises()
        elif promise and not promise.lead_id:
            lock_rows(promise, "NO KEY UPDATE")
            promise.lead_id = lead

    def _salesperson(self):
        """Return who spoke, else who has to call back; nobody who may not have it."""
        call = self.call
        spoke = call.user_id if call.outcome == SPOKEN else call.user_id.browse()
        # One after another: a set of them would lose the order.
        for user in (spoke, call.promise_id.user_id):
            if self._may_have_leads(user):
                return user
        return call.user_id.browse()

    def _may_have_leads(self, user):
        company_id = self.call.company_id.id
        return bool(
            user
            and user.active
            and not user.share
            and company_id in user._get_company_ids()
        )

    def _give_to_speaker(self):
        """Let the first who talks with the caller have a lead that nobody has."""
        call = self.call
        lead = self.env["crm.lead"].browse(call.lead_id.id or ())
        if (
            lead
            and not lead.user_id
            and lead.active
            and lead.won_status == "pending"
            and self._spoke_since(lead.pbx_call_id)
            and self._may_have_leads(call.user_id)
        ):
            lock_rows(lead, "NO KEY UPDATE")
            lead.user_id = call.user_id

    def _spoke_since(self, first_call):
        """Tell whether somebody spoke with the caller after the lead's first call."""
        call = self.call
        return bool(
            first_call
            and call.start >= first_call.start
            and call.outcome == SPOKEN
            and not 0 < call.talk_seconds < self.wanted.min_talk
        )
