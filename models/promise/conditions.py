"""SQL conditions on ``call`` that several statements about call-backs share."""

from odoo.tools import SQL

from ...telephony import numbers

# Whether one of its tags says that ``call`` is spam: archived ones say so, too.
IS_SPAM = SQL(
    """EXISTS (SELECT FROM pbx_call_tag_rel tagged
                 JOIN pbx_call_tag tag ON tag.id = tagged.tag_id
                WHERE tagged.call_id = call.id AND tag.is_spam)"""
)
# Whether who called in ``call`` is one of us: a line or a phone of ours, or a code of
# the PBX itself. That a number is short does not say so. Scalar subqueries, run for the
# few that have no call-back: for EXISTS the database may choose to read all lines and
# phones first.
IS_OURS = SQL(
    """(call.number ~ '[*#]'
        OR (SELECT TRUE FROM pbx_line line
             WHERE line.company_id = call.company_id
               AND line.number = call.number AND line.active LIMIT 1) IS NOT NULL
        OR (SELECT TRUE FROM pbx_extension extension
             WHERE extension.company_id = call.company_id
               AND extension.caller_id = call.number LIMIT 1) IS NOT NULL
        OR (SELECT TRUE FROM pbx_extension extension
             WHERE extension.provider_id = call.provider_id
               AND extension.number = call.number LIMIT 1) IS NOT NULL
        OR length(call.number) <= %s
           AND (SELECT TRUE FROM pbx_call_leg leg  -- a phone that is gone
                 WHERE leg.provider_id = call.provider_id
                   AND leg.number = call.number
                   AND leg.extension_id IS NULL LIMIT 1) IS NOT NULL)""",
    numbers.SHORT_DIGITS,
)
# Whether they spoke, and nobody told for how long: the log has 0 then, as it has where
# the PBX says 0. What was told is in the facts, which are read of such calls only.
IS_UNTIMED = SQL(
    """(CASE WHEN call.outcome = 'answered' AND coalesce(call.talk_seconds, 0) = 0
             THEN NOT coalesce(call.facts @? '$[*].talk', FALSE) ELSE FALSE END)"""
)
