"""Who had an internal number, and when: whose call it was follows from that."""

from datetime import datetime, timedelta
from typing import NamedTuple

from odoo import api, fields, models
from odoo.tools import SQL

from ...telephony import dialect as dialects
from ..call.seat import Seat

# Who had a number longer ago than this is forgotten: nobody is taken for its user.
KEEP_DAYS = 400
# What is changed so soon after a number got its first user corrects a slip.
SETTLING = timedelta(minutes=10)


class PbxAssignment(models.Model):
    """A span in which a user had an internal number.

    Facts may be applied long after a phone was handed over, so that its present user
    says nothing. The number is kept as the PBX calls it: the span outlives the record
    of the extension. An archived user has no phone.
    """

    _name = "pbx.assignment"
    _description = "Who had an internal number, and when"
    _rec_name = "name"
    _log_access = False

    provider_id = fields.Many2one(
        "pbx.provider", required=True, index=True, ondelete="cascade"
    )
    name = fields.Char(
        string="Internal number", required=True, help="As the PBX calls it."
    )
    user_id = fields.Many2one(
        "res.users",
        index="btree_not_null",
        ondelete="set null",
        help="Empty: not known any more.",
    )
    since = fields.Datetime(help="Empty: as long as anything is known.")
    until = fields.Datetime(help="Empty: still so.")
    # The newest event of the inbox at that moment: what arrived before is told from
    # what arrived after even where the clocks disagree.
    since_event = fields.Integer()
    until_event = fields.Integer()

    _open_uniq = models.UniqueIndex(
        "(provider_id, name, user_id) WHERE until IS NULL AND user_id IS NOT NULL"
    )
    _name_idx = models.Index("(provider_id, name)")

    # ------------------------------------------------------------------- kept in step

    @api.model
    def _update_of_users(self, users):
        """The phones of ``users`` changed, or they were archived or restored."""
        if not users:
            return
        self.env["pbx.extension"].flush_model(["provider_id", "user_ids"])
        rows = self.env.execute_query(
            SQL(
                """SELECT extension.provider_id
                     FROM pbx_extension extension
                     JOIN pbx_extension_res_users_rel rel
                       ON rel.extension_id = extension.id
                    WHERE rel.user_id = ANY(%(users)s)
                    UNION
                   SELECT provider_id FROM pbx_assignment
                    WHERE user_id = ANY(%(users)s) AND until IS NULL""",
                users=list(users.ids),
            )
        )
        self._update([provider_id for [provider_id] in rows])

    @api.model
    def _update(self, provider_ids):
        """Write down who has which internal number from now on.

        :param provider_ids: of the cloud PBXs where that may have changed.
        """
        by_identity = {}
        for provider_id in provider_ids:
            settings = self.env["pbx.provider"]._settings(provider_id)
            dialect = dialects.get(settings.dialect)
            by_identity.setdefault(dialect.extension_identity, []).append(provider_id)
        for identity, ids in by_identity.items():
            self._update_by(identity, ids)

    def _update_by(self, identity, provider_ids):
        self.env["pbx.extension"].flush_model([identity, "provider_id", "user_ids"])
        self.env["res.users"].flush_model(["active"])
        self.env.cr.execute(
            SQL(
                """WITH this AS MATERIALIZED (
                       SELECT clock_timestamp() AT TIME ZONE 'UTC' AS now,
                              (SELECT last_value FROM pbx_event_id_seq) AS event),
                   present AS (
                       SELECT extension.provider_id, %(name)s AS name, users.id AS own
                         FROM pbx_extension extension
                         JOIN pbx_extension_res_users_rel rel
                           ON rel.extension_id = extension.id
                         JOIN res_users users
                           ON users.id = rel.user_id AND users.active
                        WHERE extension.provider_id = ANY(%(providers)s)
                          AND %(name)s IS NOT NULL),
                   ended AS (
                       UPDATE pbx_assignment span
                          SET until = this.now, until_event = this.event
                         FROM this
                        WHERE span.provider_id = ANY(%(providers)s)
                          AND span.until IS NULL AND NOT EXISTS (
                              SELECT 1 FROM present
                               WHERE present.provider_id = span.provider_id
                                 AND present.name = span.name
                                 AND present.own = span.user_id))
                   INSERT INTO pbx_assignment
                          (provider_id, name, user_id, since, since_event)
                   SELECT present.provider_id, present.name, present.own,
                          this.now, this.event
                     FROM present CROSS JOIN this
                       ON CONFLICT DO NOTHING""",
                name=SQL.identifier("extension", identity),
                providers=list(provider_ids),
            )
        )
        self.invalidate_model()

    # ----------------------------------------------------------------------- look-up

    @api.model
    def _seats(self, provider_id, moments):
        """Return ``{(name, moment): Seat}``, in one query.

        :param moments: pairs of an identity, as the PBX calls its extensions, and a
            :class:`~..call.seat.Moment`.
        """
        moments = set(moments)
        if not moments:
            return {}
        settings = self.env["pbx.provider"]._settings(provider_id)
        identity = dialects.get(settings.dialect).extension_identity
        extensions = self.env["pbx.extension"]
        extensions.flush_model(
            [identity, "provider_id", "user_ids", "status", "checked_at"]
        )
        rows = self.env.execute_query(
            SQL(
                """SELECT wanted.name, extension.id, extension.status,
                          extension.checked_at, span.id, span.user_id, span.since,
                          span.until, span.since_event, span.until_event
                     FROM unnest(%(names)s::text[]) AS wanted(name)
                LEFT JOIN pbx_extension extension
                       ON extension.provider_id = %(provider)s
                      AND %(column)s = wanted.name
                LEFT JOIN pbx_assignment span
                       ON span.provider_id = %(provider)s
                      AND span.name = wanted.name
                 ORDER BY extension.id""",
                names=sorted({name for name, _moment in moments}),
                provider=provider_id,
                column=SQL.identifier("extension", identity),
            )
        )
        spans, entered, now = {}, {}, fields.Datetime.now()
        for name, extension_id, status, checked_at, span_id, *span in rows:
            is_stale = not extensions._is_fresh(status, checked_at, now)
            entered.setdefault(
                name, (extension_id or False, bool(extension_id) and is_stale)
            )
            if span_id:
                spans.setdefault(name, {})[span_id] = _Span(*span)
        found = {}
        for name, moment in moments:
            extension_id, is_stale = entered.get(name, (False, False))
            users = _users_at(list(spans.get(name, {}).values()), moment)
            found[name, moment] = Seat(extension_id, users, is_stale)
        return found

    # ------------------------------------------------------------------ housekeeping

    @api.autovacuum
    def _gc_assignments(self):
        """Forget who had a number long ago; that somebody had it stays known."""
        before = fields.Datetime.now() - timedelta(days=KEEP_DAYS)
        self.env.cr.execute(
            SQL(
                """WITH old AS (
                       DELETE FROM pbx_assignment
                        WHERE until < %s AND (user_id IS NOT NULL OR since IS NOT NULL)
                    RETURNING provider_id, name, until, until_event),
                   newest AS (
                       SELECT provider_id, name, max(until) AS until,
                              max(until_event) AS until_event
                         FROM old GROUP BY provider_id, name),
                   known AS (
                       UPDATE pbx_assignment span
                          SET until = newest.until, until_event = newest.until_event
                         FROM newest
                        WHERE span.provider_id = newest.provider_id
                          AND span.name = newest.name
                          AND span.user_id IS NULL AND span.since IS NULL
                    RETURNING span.provider_id, span.name)
                   INSERT INTO pbx_assignment
                          (provider_id, name, since_event, until, until_event)
                   SELECT provider_id, name, 0, until, until_event FROM newest
                    WHERE NOT EXISTS (
                          SELECT 1 FROM known
                           WHERE known.provider_id = newest.provider_id
                             AND known.name = newest.name)""",
                before,
            )
        )
        self.invalidate_model()


class _Span(NamedTuple):
    user_id: int | None
    since: datetime | None
    until: datetime | None
    since_event: int | None
    until_event: int | None

    def holds(self, at):
        return (self.since is None or self.since <= at) and (
            self.until is None or at < self.until
        )

    def holds_event(self, event_id):
        return (self.since_event or 0) < event_id and (
            self.until is None or event_id <= (self.until_event or 0)
        )


def _users_at(spans, moment):
    """Return the ids of who had a number at ``moment``.

    From before anything is known of it: who was entered when it got its first user,
    after a while in which slips are put right.
    """
    if not spans:
        return ()
    begun = min((span.since for span in spans if span.since), default=None)
    is_known = begun is None or any(span.since is None for span in spans)
    if is_known or moment.at >= begun:
        found = [span for span in spans if span.holds(moment.at)]
    else:
        found = []
        if moment.event_id is not None:
            found = [span for span in spans if span.holds_event(moment.event_id)]
        first_event = min(span.since_event or 0 for span in spans)
        if moment.event_id is None or moment.event_id <= first_event:
            settled = begun + SETTLING
            found = [span for span in spans if span.holds(settled)]
    return tuple(sorted({span.user_id for span in found if span.user_id}))
