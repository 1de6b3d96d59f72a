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
    def _count(self, provider_id, limits, window_seconds):
        """Count one question in each bucket of ``limits``, or in none of them.

        Commits on a cursor of its own: what was sent stays sent, whatever becomes of
        the caller's transaction.

        :param dict limits: ``{bucket: questions in the window}``.
        :param int window_seconds: a bit longer than the PBX's own, which counts when a
            question arrives, and we when it leaves.
        :raises RateLimited: a limit is used up; it says when to come back.
        """
        for _try in range(TRIES):
            try:
                with self.env.registry.cursor() as cr:
                    return _count_on(cr, provider_id, limits, window_seconds)
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
        """INSERT INTO pbx_rate (provider_id, bucket, sent, blocked_until)
           SELECT %s, unnest(%s), '[]'::jsonb, 0
               ON CONFLICT (provider_id, bucket) DO NOTHING""",
        [provider_id, list(buckets)],
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


def _count_on(cr, provider_id, limits, window_seconds):
    rows = _rows(cr, provider_id, limits)
    kept = {}
    for bucket, (sent, blocked_until, now) in rows.items():
        # A clock that was set back leaves times that are still to come.
        recent = [at for at in sent or [] if now - window_seconds < at <= now + 1]
        wait = 0
        if blocked_until and now < blocked_until <= now + 3601:
            wait = blocked_until - now
        if len(recent) >= limits[bucket]:
            # The one that has to leave the minute before one more fits in.
            last = recent[len(recent) - limits[bucket]]
            wait = max(wait, last + window_seconds - now)
        if wait:
            raise RateLimited(bucket, retry_after=int(wait) + 1)
        kept[bucket] = [*recent, now]
    for bucket, sent in kept.items():
        cr.execute(
            """UPDATE pbx_rate SET sent = %s::jsonb
                WHERE provider_id = %s AND bucket = %s""",
            [str(sent), provider_id, bucket],
        )


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
