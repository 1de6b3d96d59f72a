"""Calls as the PBX's own history tells them: the same facts, many calls at a time."""

from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import SQL

from ...telephony.call import EXPIRED, CallFacts, derive
from ...telephony.event import CLICKED, LOGGED, REFUSED
from .pbx_call_join import JOIN_SECONDS

# Told by the history, or by us; everything else is told by an event of the PBX.
NOT_LIVE = frozenset((LOGGED, CLICKED, REFUSED, EXPIRED))


class PbxCall(models.Model):
    _inherit = "pbx.call"

    from_history = fields.Boolean(
        readonly=True,
        help="No event told of this call: it was found among the PBX's past calls.",
    )
    corrected = fields.Boolean(
        readonly=True,
        help="The PBX's statistics contradict what its events had told, and count.",
    )

    @api.model
    def _add_history(self, settings, groups):
        """Add past calls to the log, in the caller's transaction.

        Nobody else writes these calls meanwhile: their locks are taken first.

        :param dict groups: ``{ref: [CallEvent]}``.
        :return: ``{ref: ["new" | "completed" | "unchanged", perhaps "corrected"]}``, by
            the ids that the calls are kept under.
        """
        if not groups:
            return {}
        self._lock_refs(settings.id, groups)
        known = self._find_by_refs(settings.id, list(groups))
        verdicts, told = {}, {}
        for ref, events in groups.items():
            if call := known.get(ref):
                told.setdefault(call, []).extend(events)
        for call, events in told.items():
            if _is_known(call, events):
                verdicts[call.ref] = ["unchanged"]
                continue
            was = call.corrected
            kept = self._add_facts(settings, events)
            verdicts[kept.ref] = ["completed"]
            if kept.corrected and not was:
                verdicts[kept.ref].append("corrected")
        fresh = {ref: events for ref, events in groups.items() if ref not in known}
        for kept, verdict in self._add_fresh(settings, fresh):
            verdicts.setdefault(kept.ref, [verdict])
        return verdicts

    def _add_fresh(self, settings, groups):
        """Write calls under unknown ids; return ``[(call, verdict)]``.

        One may turn out to belong to a call that is known: the other leg of a click.
        """
        if self._click_waits(settings, groups):
            # A click that waits for its id may be one of them: one by one.
            kept = [(self._add_facts(settings, new), new) for new in groups.values()]
            return [
                (call, "new" if len(call.facts) <= len(new) else "completed")
                for call, new in kept
            ]
        created = self._create_many(settings, map(CallFacts, groups.values()))
        outbound = created.filtered(lambda call: call.direction == "outbound")
        left = set(created)
        for call in outbound._with_legs():
            if call.exists():
                left.add(call._join_legs(settings, wait=True))
        return [
            (call, "new" if call in created else "completed")
            for call in self.union(*left).exists()
        ]

    def _create_many(self, settings, many):
        """Create calls from facts of which none is known: the same, but together."""
        calls = self._for_log(settings)
        many = [(facts, derive(facts)) for facts in many]
        at = self.env["pbx.extension"]._who_is_at(
            settings.id, {leg.extension for _facts, told in many for leg in told.legs}
        )
        self.env["pbx.directory"]._remember_strangers(
            settings, {told.number for _facts, told in many if told.number}
        )
        values = []
        for facts, told in many:
            names = {leg.extension for leg in told.legs}
            here = {name: who for name, who in at.items() if name in names}
            values.append(calls._values_of(settings, told, facts, here, calls))
        created, legs, recordings = calls.create(values), [], []
        for call, (_facts, told) in zip(created, many, strict=True):
            legs += [call._leg_values(settings, leg, at) for leg in told.legs]
            recordings += call._recording_values(told)
        calls.env["pbx.call.leg"].create(legs)
        calls.env["pbx.recording"].create(recordings)
        calls.env["pbx.notifier"]._missed_changed(created)
        return created

    def _with_legs(self):
        """Return those outgoing calls which the other leg of a click may be near."""
        if not self:
            return self
        self.flush_model(["provider_id", "start", "own_leg_only"])
        rows = self.env.execute_query(
            SQL(
                """SELECT this.id FROM pbx_call this
                    WHERE this.id = ANY(%s) AND (this.own_leg_only OR EXISTS (
                          SELECT 1 FROM pbx_call own
                           WHERE own.provider_id = this.provider_id
                             AND own.own_leg_only
                             AND own.start BETWEEN this.start - %s AND this.start))
                 ORDER BY this.start, this.id""",
                self.ids,
                timedelta(seconds=JOIN_SECONDS),
            )
        )
        return self.browse([call_id for [call_id] in rows])

    @api.model
    def _history_values(self, told, facts):
        """Return what the log says of where its knowledge of a call comes from."""
        kinds = {event.kind for event in facts.events}
        return {
            "from_history": LOGGED in kinds and kinds <= NOT_LIVE,
            "corrected": told.corrected,
        }

    def _say_corrected(self, contradictions):
        """Write into the chatter, once, what was told and what counts now.

        :param contradictions: ``(field, told, logged)``, as ``derive`` gives them.
        """
        call = self.with_context(lang=self.env.user.lang)
        outcomes = dict(call._fields["outcome"]._description_selection(call.env))
        titles = {
            "outcome": call.env._("Outcome"),
            "talk": call.env._("Talk"),
            "extension": call.env._("Internal number"),
        }
        lines = []
        for field, told, logged in contradictions:
            if field == "outcome":
                told, logged = outcomes.get(told, told), outcomes.get(logged, logged)
            elif field == "talk":
                told, logged = _as_duration(told), _as_duration(logged)
            lines.append(Markup("<li>%s: %s → %s</li>") % (titles[field], told, logged))
        call._message_log(
            body=Markup("%s<ul>%s</ul>")
            % (
                call.env._(
                    "The statistics of the PBX contradict what it had told at the end "
                    "of the call. They count:"
                ),
                Markup().join(lines),
            ),
            author_id=self.env.ref("base.partner_root").id,
        )

    @api.model
    def _lock_refs(self, provider_id, refs):
        """Wait for the locks under which the inbox writes these calls."""
        self.env.cr.execute(
            SQL(
                """SELECT pg_advisory_xact_lock(hashtextextended(key, 0))
                     FROM (SELECT unnest(%s) AS key ORDER BY 1 OFFSET 0) keys""",
                [f"pbx.call/{provider_id}/{ref}" for ref in refs],
            ),
            log_exceptions=False,  # who met somebody tries again
        )

    @api.model
    def _find_by_refs(self, provider_id, refs):
        """Return ``{ref: call}`` of those of ``refs`` that are known."""
        self.flush_model(["provider_id", "ref"])
        rows = self.env.execute_query(
            SQL(
                """SELECT ref, id FROM pbx_call
                    WHERE provider_id = %(provider)s AND ref = ANY(%(refs)s)
                    UNION ALL
                   SELECT ref, call_id FROM pbx_call_ref
                    WHERE provider_id = %(provider)s AND ref = ANY(%(refs)s)""",
                provider=provider_id,
                refs=refs,
            )
        )
        # One prefetch for all of them.
        calls = self.browse([call_id for _ref, call_id in rows])
        return {ref: call for (ref, _id), call in zip(rows, calls, strict=True)}


def _as_duration(seconds):
    return f"{seconds // 60}:{seconds % 60:02}"


def _is_known(call, events):
    """Tell whether the facts of ``call`` hold all of ``events`` already."""
    known = {e: e.received_at for e in CallFacts.from_json(call.facts).events}
    return all(event in known and known[event] <= event.received_at for event in events)
