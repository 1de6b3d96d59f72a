"""How often a PBX was asked lately, by all workers of all machines together."""

import logging

import psycopg2.errors

from odoo import api, fields, models
from odoo.tools import SQL

from ...telephony.dialect import GENERAL, STATISTICS
from ...telephony.errors import RateLimited

_logger = logging.getLogger(__name__)

# Of the general limit, this part is left to what a person waits for.
RESERVE = 0.2
TRIES = 20
# A question waits for its turn for so long; after that somebody has to come back.
MAX_TURN_SECONDS = 3
# Questions that leave in time arrive a bit sooner or later.
BURST_MARGIN_SECONDS = 0.3


class PbxRate(models.Model):
    """Sent questions of one kind: one row for each cloud PBX and kind."""

    _name = "pbx.rate"
    _description = "Requests to cloud PBXs"
    _log_access = False

    provider_id = fields.Many2one("pbx.provider", required=True, ondelete="cascade")
    bucket = fields.Char(required=True)
    sent = fields.Json(help="Unix times, oldest first.")
    blocked_until = fields.Float(digits=(16, 3), help="Unix time.")

    _bucket_uniq = models.Constraint(
        "UNIQUE(provider_id, bucket)", "One row for each kind."
    )

    @api.model
    def _count(self, provider_id, limits, window_seconds, burst=None):
        """Count one question in each bucket of ``limits``, or in none of them.

        Commits on a cursor of its own: what was sent stays sent, whatever becomes of
        the caller's transaction.

        :param dict limits: ``{bucket: questions in the window}``.
        :param int window_seconds: a bit longer than the PBX's own, which counts when a
            question arrives, and we when it leaves.
        :param tuple burst: ``(questions, seconds)``: no more in any such span.
        :return: for how many seconds the question has to wait; its turn is reserved.
        :raises RateLimited: a limit is used up; it says when to come back.
        """
        for _try in range(TRIES):
            try:
                with self.env.registry.cursor() as cr:
                    return _count_on(cr, provider_id, limits, window_seconds, burst)
            except psycopg2.errors.SerializationFailure:
                continue  # another worker counted in this moment
        raise RateLimited("many ask at once", retry_after=1)

    @api.model
    def _block(self, provider_id, bucket, seconds):
        """Let nobody ask for so long: the PBX itself said that it was too much."""
        for _try in range(TRIES):
            try:
                with self.env.registry.cursor() as cr:
                    _rows(cr, provider_id, [bucket])
                    cr.execute(
                        """UPDATE pbx_rate
                              SET blocked_until = extract(
                                  epoch FROM clock_timestamp()) + %s
                            WHERE provider_id = %s AND bucket = %s""",
                        [seconds, provider_id, bucket],
                    )
                    return
            except psycopg2.errors.SerializationFailure:
                continue
        _logger.warning("Cloud PBX %s: its pause could not be noted", provider_id)


def _rows(cr, provider_id, buckets):
    """Lock the rows and return ``{bucket: (sent, blocked until, now)}``.

    The database's clock is the one that all machines share.
    """
    cr.execute(
        SQL(
            """INSERT INTO pbx_rate (provider_id, bucket, sent, blocked_until)
               SELECT %s, unnest(%s), '[]'::jsonb, 0
                   ON CONFLICT (provider_id, bucket) DO NOTHING""",
            provider_id,
            list(buckets),
        ),
        log_exceptions=False,  # whoever met another worker counts anew
    )
    cr.execute(
        SQL(
            """SELECT bucket, sent, blocked_until,
                      extract(epoch FROM clock_timestamp())::float8
                 FROM pbx_rate WHERE provider_id = %s AND bucket = ANY(%s)
             ORDER BY bucket FOR UPDATE""",
            provider_id,
            list(buckets),
        ),
        log_exceptions=False,
    )
    return {bucket: tuple(values) for bucket, *values in cr.fetchall()}


def _count_on(cr, provider_id, limits, window_seconds, burst):
    rows = _rows(cr, provider_id, limits)
    kept, turn = {}, 0.0
    for bucket, (sent, blocked_until, now) in rows.items():
        # A clock that was set back leaves times that are still to come.
        latest = now + (MAX_TURN_SECONDS + 1 if burst else 1)
        recent = [at for at in sent or [] if now - window_seconds < at <= latest]
        wait = 0
        if blocked_until and now < blocked_until <= now + 3601:
            wait = blocked_until - now
        if len(recent) >= limits[bucket]:
            # The one that has to leave the minute before one more fits in.
            last = recent[len(recent) - limits[bucket]]
            wait = max(wait, last + window_seconds - now)
        if wait:
            raise RateLimited(bucket, retry_after=int(wait) + 1)
        turn = max(turn, _next_turn(recent, now, burst))
        kept[bucket] = recent
    now = max(row[-1] for row in rows.values())
    if turn - now > MAX_TURN_SECONDS:
        raise RateLimited(GENERAL, retry_after=int(turn - now) + 1)
    for bucket, recent in kept.items():
        cr.execute(
            """UPDATE pbx_rate SET sent = %s::jsonb
                WHERE provider_id = %s AND bucket = %s""",
            [str([*recent, turn]), provider_id, bucket],
        )
    return max(0.0, turn - now)


def _next_turn(recent, now, burst):
    """Return the first moment from ``now`` on at which one more question may leave.

    :param list recent: Unix times of those that left, or have their turn reserved.
    """
    if not burst:
        return now
    questions, seconds = burst
    if len(recent) < questions:
        return now
    return max(now, recent[-questions] + seconds + BURST_MARGIN_SECONDS)


def limits_of(bucket, general, statistics, urgent):
    """Return what :meth:`PbxRate._count` is given for one question of this kind.

    A question about statistics counts among all questions too.
    """
    if not urgent:
        general = max(1, int(general * (1 - RESERVE)))
    limits = {GENERAL: general}
    if bucket == STATISTICS:
        limits[STATISTICS] = statistics
    return limits
