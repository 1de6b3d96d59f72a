"""Messages over the bus to the browsers of those whom a change concerns."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...telephony.event import ANSWERED, LEFT
from ..tools.bus_connection import notify_over_kept_connection
from ..tools.transactions import before_commit

# What a card shows of a call, as far as the PBX decides it.
SHOWN = (
    "state",
    "outcome",
    "number",
    "partner_id",
    "partner_source",
    "lead_id",
    "user_id",
    "participant_ids",
    "extension_id",
    "answer",
)
# What a card shows of a call, as far as people write it.
WRITTEN = frozenset(
    ("note", "partner_id", "lead_id", "user_id", "tag_ids", "is_wrapped_up")
)
# What a card may wait for, however long the call is over.
AWAITED = frozenset(("tag_ids", "is_wrapped_up"))
# A call that began longer ago than this raises no card.
FRESH = timedelta(hours=6)
# Without an event for so long a phone rings no more: the call's end was lost.
STILL_RINGS = timedelta(minutes=5)
# For this long after its end a call may still be on a screen.
LINGERS = timedelta(minutes=15)


class PbxNotifier(models.AbstractModel):
    """The only place that writes to the bus.

    Whatever changes a call, a phone or an import calls it by name, once it is done. A
    message names what changed, and nothing of its contents: the browser reads that
    anew, under its user's own rights. Messages about calls are collected, and are sent
    once per call just before the commit.
    """

    _name = "pbx.notifier"
    _description = "Messages to open browsers"

    @api.model
    def _send(self, listeners, kind, message):
        """Send a message to each of ``listeners``, once this transaction is committed.

        :param listeners: contacts, users or groups, whose channels browsers listen to.
        :param dict message: names what changed, and nothing of its contents.
        """
        notify_over_kept_connection(self.env.cr)
        listeners._bus_send(kind, message)

    # ------------------------------------------------------------------ one call

    @api.model
    def _shown(self, call, facts=None):
        """Return what cards show of ``call``, as plain values; ``{}`` for no call.

        Taken before the log writes a call, it goes to :meth:`_call_changed`.

        :param list facts: of the call, if they are at hand: each time they are read of
            it they are copied.
        """
        if not call:
            return {}
        facts = (call.facts or ()) if facts is None else facts
        # A participant who is archived meanwhile is left out when it is sent, and is
        # not asked for with each event.
        call = call.with_context(active_test=False)
        shown = {
            name: call[name].ids if isinstance(call[name], models.BaseModel) else
            call[name] for name in SHOWN
        }  # fmt: skip
        # Of a click: whether it is still the user's own phone that rings.
        shown["rings_own_phone"] = call._rings_own_phone()
        # Handed on to a phone that rang before: no other field changes.
        shown["handed_on"] = sum("handed_by" in event for event in facts)
        if call.state == "ringing" and call.direction == "inbound":
            # Or the PBX itself lifts, once our phones have rung in vain.
            shown["lifted"] = any(
                event["kind"] == ANSWERED and event.get("leg") == call.ref
                for event in facts
            )
        if call.state == "ongoing":
            # Or somebody left it, where the PBX reports that.
            shown["left"] = sum(event["kind"] == LEFT for event in facts)
        return shown

    @api.model
    def _call_changed(self, call, before, facts=None):
        """The log wrote ``call``.

        :param dict before: of :meth:`_shown`; ``{}`` if the call is new.
        :param list facts: of the call now; see :meth:`_shown`.
        """
        after = self._shown(call, facts)
        if after != before or call.state != "done":
            # Which phones ring is on no card, but on the wallboard.
            self._wallboard_changed()
        if after == before:
            return
        if after["outcome"] != before.get("outcome"):
            self._missed_changed(call)
        was_done = before.get("state", "done") == "done"
        if was_done and after["state"] == "done":
            # Received late, or completed by the history: on no screen, unless it has
            # just ended.
            lately = fields.Datetime.now() - LINGERS
            if not before or not call.stop or call.stop < lately:
                return
        was, now = before.get("participant_ids", []), after["participant_ids"]
        one_more_rings = before and {**before, "participant_ids": now} == after
        if one_more_rings and call.direction != "internal":
            # One more phone of a group rings: the cards of the others do not show it.
            # Who calls a colleague is shown who that is.
            self._collect_call(call, set(was).symmetric_difference(now), others=False)
        else:
            self._collect_call(call, [*was, *before.get("user_id", [])])

    @api.model
    def _recording_stored(self, call):
        """A recording of ``call`` can be heard now: a card may still show the call."""
        if call.stop and call.stop >= fields.Datetime.now() - LINGERS:
            self._collect_call(call)

    @api.model
    def _call_dialled(self, call):
        """``call`` is a click that was written just now."""
        self._wallboard_changed()
        self._collect_call(call)

    @api.model
    def _call_written(self, calls, vals):
        """``vals`` were written to ``calls``."""
        if {"partner_id", "lead_id"}.intersection(vals):
            # Whose customer it is has changed.
            self._missed_changed(calls.filtered("promise_id"))
        if not WRITTEN.intersection(vals):
            return
        self._wallboard_changed()
        now = fields.Datetime.now()
        is_awaited = bool(AWAITED.intersection(vals))
        for call in calls.sudo():  # sudo: whose call it is, whoever wrote
            lingers = call.state != "done" or (call.stop or now) > now - LINGERS
            if lingers or is_awaited:
                self._collect_call(call)

    @api.model
    def _call_removed(self, calls):
        """``calls`` are about to be removed, or to be joined to another one."""
        self._wallboard_changed()
        for call in calls.sudo():  # sudo: whose call it is, whoever removes it
            if call.state != "done":
                # The browser asks for it, and learns that it is gone.
                self._collect_call(call)
        promises = calls.sudo().promise_id  # sudo: whose business they are
        self._send(self._who_counts(promises), "cloud_pbx.missed", {})

    def _collect_call(self, call, also=(), others=True):
        """Have those whose call it is notified before the commit.

        :param also: ids of users whose call it was.
        :param bool others: ``False``: nobody but ``also``.
        """
        if call.start < fields.Datetime.now() - FRESH:
            return
        collected = before_commit(
            self.env, "cloud_pbx.calls", dict, self.sudo()._send_calls
        )
        _company, known = collected.get(call.id, (None, set()))
        everybody = self.env["res.users"]
        if others:
            call = call.with_context(active_test=False)
            everybody = call.participant_ids | call.user_id
        collected[call.id] = call.company_id.id, known.union(everybody.ids, also)

    @api.model
    def _send_calls(self, collected):
        """Send what was collected.

        :param dict collected: ``{call id: (company id, user ids)}``.
        """
        users = self.env["res.users"].browse(
            set().union(*(ids for _company, ids in collected.values()))
        )
        # One look at all of them: for who is archived, and for their channels. Whoever
        # may not read calls gets no message: groups and companies are in the cache.
        users.fetch(["active", "partner_id"])
        agents = users.filtered(
            lambda user: user.active and user.has_group("cloud_pbx.group_pbx_user")
        )
        for call_id, (company, ids) in collected.items():
            concerned = agents.filtered(
                lambda user, company=company, ids=ids: (
                    user.id in ids and company in user._get_company_ids()
                )
            )
            self._send(concerned, "cloud_pbx.call", {"id": call_id})

    @api.model
    def _dial_in_doubt(self, user, call_id, message):
        """The PBX did not say whether it dials what ``user`` clicked.

        The browser shows it until something is heard of the call.
        """
        self._send(
            user,
            "cloud_pbx.doubt",
            {
                "id": call_id,
                "title": self.env._("No answer from the PBX"),
                "message": message,
            },
        )

    # ----------------------------------------------------------------- call-backs

    @api.model
    def _promises_changed(self, promises, removed=False):
        """Who has to call back, and how many wait, may have changed.

        Those concerned are looked up, in one statement, before the commit, and count
        anew.

        :param bool removed: the call-backs are about to be removed: look now.
        """
        if not promises:
            return
        self._wallboard_changed()
        collected = before_commit(
            self.env,
            "cloud_pbx.missed",
            lambda: {"promises": set(), "people": set(), "calls": {}},
            self.sudo()._send_missed,
        )
        if removed:
            collected["people"].update(self._who_counts(promises).ids)
        else:
            collected["promises"].update(promises.ids)

    @api.model
    def _missed_changed(self, calls):
        """What browsers show of lost calls may have changed through ``calls``."""
        changed = calls.filtered("promise_id")
        if changed:
            self._promises_changed(changed.sudo().promise_id)  # sudo: whose they are
            collected = self.env.cr.precommit.data["cloud_pbx.missed"]
            collected["calls"].update(
                {one.id: one._settles_in_seconds() for one in changed}
            )

    @api.model
    def _send_missed(self, collected):
        """Send what was collected; see :meth:`_promises_changed`."""
        promises = self.env["pbx.promise"].browse(collected["promises"])
        people = self._who_counts(promises) | self.env["res.partner"].browse(
            collected["people"]
        )
        seconds = max(collected["calls"].values(), default=0)
        message = {"seconds": seconds} if seconds else {}
        self._send(people, "cloud_pbx.missed", message)

    @api.model
    def _who_counts(self, promises):
        """Return the contacts of the users whose business these call-backs are."""
        people = self.env["res.partner"].sudo()  # sudo: a channel, nothing is shown
        if not promises:
            return people
        self.env["pbx.promise"].flush_model()
        groups = self.env["res.groups"]._get_group_definitions()
        supervisors = self.env["ir.model.data"]._xmlid_to_res_id(
            "cloud_pbx.group_pbx_manager"
        )
        rows = self.env.execute_query(
            SQL(
                """
                WITH waits AS (
                     SELECT id, company_id, partner_id, lead_id, team_id, user_id
                       FROM pbx_promise WHERE id = ANY(%(ids)s)),
                     whose AS (
                     SELECT user_id FROM waits
                      UNION
                     SELECT rang.user_id FROM waits
                       JOIN pbx_promise_participant_rel rang
                         ON rang.promise_id = waits.id
                      UNION
                     SELECT partner.user_id FROM waits
                       JOIN res_partner partner ON partner.id = waits.partner_id
                      UNION
                     SELECT lead.user_id FROM waits
                       JOIN crm_lead lead ON lead.id = waits.lead_id
                      UNION
                     SELECT member.user_id FROM waits
                       JOIN crm_team_member member
                         ON member.crm_team_id = waits.team_id AND member.active
                      WHERE waits.user_id IS NULL
                      UNION
                     SELECT team.user_id FROM waits
                       JOIN crm_team team ON team.id = waits.team_id
                      WHERE waits.user_id IS NULL
                      UNION  -- nobody was rung: supervisors
                     SELECT held.uid FROM waits
                       JOIN res_company_users_rel works
                         ON works.cid = waits.company_id
                       JOIN res_groups_users_rel held
                         ON held.uid = works.user_id AND held.gid = ANY(%(groups)s)
                      WHERE waits.user_id IS NULL AND NOT EXISTS (
                            SELECT 1 FROM pbx_promise_participant_rel rang
                             WHERE rang.promise_id = waits.id))
                SELECT DISTINCT users.partner_id
                  FROM whose JOIN res_users users ON users.id = whose.user_id
                 WHERE users.active AND EXISTS (
                       SELECT 1 FROM pbx_extension_res_users_rel phone
                        WHERE phone.user_id = users.id)
                """,
                ids=list(promises.ids),
                groups=[supervisors, *groups.get_subset_ids([supervisors])],
            )
        )
        return people.browse(partner_id for [partner_id] in rows)

    # ---------------------------------------------------------- phones, past calls

    @api.model
    def _backfill_done(self, user, message):
        """Earlier calls were changed, as ``user`` had asked."""
        self._send(user, "simple_notification", {"type": "success", "message": message})

    @api.model
    def _subscription_ended(self, user, message):
        """A PBX sends no more events, since ``user`` switched it off here."""
        self._send(user, "simple_notification", {"type": "warning", "message": message})

    @api.model
    def _phones_changed(self, users):
        """Phones, rights or preferences of ``users`` changed: their browsers look."""
        self._wallboard_changed()
        for user in users.filtered("active"):
            self._send(user, "cloud_pbx.desk", {})

    @api.model
    def _history_changed(self, history):
        """An import of past calls went on: open forms read the row again."""
        group = self.env.ref("base.group_system")
        self._send(group, "cloud_pbx.history", {"id": history.id})

    # --------------------------------------------------------------- the wallboard

    @api.model
    def _wallboard_changed(self):
        """Calls, phones, absences or call-backs changed: open wallboards look.

        Once for all that a transaction changes, with the messages to others.
        """
        before_commit(self.env, "cloud_pbx.wallboard", dict, self._send_wallboard)

    @api.model
    def _send_wallboard(self, _collected):
        group_id = self.env["ir.model.data"]._xmlid_to_res_id(
            "cloud_pbx.group_pbx_manager"
        )
        # Each browser listens to the groups of its user, implied ones included; it is
        # told nothing, and asks for what the user may see.
        group = self.env["res.groups"].browse(group_id)
        self._send(group, "cloud_pbx.wallboard", {})
