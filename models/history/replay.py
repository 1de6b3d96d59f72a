"""A replay: a PBX sends the events again that Odoo did not take, when it is asked to.

After it the log knows what the PBX knows. A call that is still open, and of which the
PBX has no leg any more, is over: its end was never written down, since the PBX died.
"""

import logging
import time
from datetime import timedelta
from enum import Enum

from odoo import SUPERUSER_ID, fields

from ...telephony import errors
from ...telephony.dialect import NotOffered
from ...telephony.facts import CallFacts
from ..call.log import CallLog
from ..tools.notification import notification
from ..tools.transactions import in_own_transaction

_logger = logging.getLogger(__name__)

# For so long somebody waits for the replay to be done; it goes on by itself.
WAIT_SECONDS = 10
LOOK_EVERY_SECONDS = 0.2
# Nothing was reported of a call for so long: its events are not merely on their way.
SILENT_SECONDS = 60
# Calls that are looked at in one run.
MAX_CALLS = 500


class Outcome(Enum):
    """What came of a replay."""

    DONE = "done"
    # It was asked for, and its end was not reported in time.
    RUNNING = "running"
    FAILED = "failed"


class Replay:
    """Asks one PBX for what it kept, waits until that came, and closes dead calls.

    The caller's transaction is ended before the wait, and holds no lock meanwhile.

    :param provider: the ``pbx.provider``, one record.
    :var error: why it failed, in words.
    :var count: events that it brought; ``closed``: calls that were closed.
    """

    def __init__(self, provider):
        self.provider, self.env = provider, provider.env
        self.error, self.count, self.closed = "", 0, 0

    def run(self, urgent=False):
        """Do it; return the :class:`Outcome`.

        :param bool urgent: a person waits.
        """
        try:
            dialect, account = self.provider._open_api(urgent)
            # Nothing stays open while it waits.
            commit = self.env["ir.cron"]._commit_progress
            outcome = self.ask(dialect, account, before_wait=commit)
            if outcome is Outcome.DONE:
                self._close_dead(dialect.fetch_live_legs(account))
        except (errors.PbxError, NotOffered) as error:
            self.error = self.provider._explain(error)
            _logger.info("Cloud PBX %s: no replay, %s", self.provider.id, self.error)
            return Outcome.FAILED
        return outcome

    def ask(self, dialect, account, before_wait=lambda: None):
        """Ask for it and wait; return the :class:`Outcome`.

        :param before_wait: called when the PBX was asked.
        :raises PbxError: the PBX does not take the request.
        """
        before = self._last()
        dialect.request_replay(account)
        before_wait()
        until = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < until:
            last = self._last()
            if last != before:
                self.count = last[1]
                return Outcome.DONE
            time.sleep(LOOK_EVERY_SECONDS)
        return Outcome.RUNNING

    def _last(self):
        """Return ``(when, how many)`` of the last replay, as it is committed now."""
        with self.env.registry.cursor() as cr:
            cr.execute(
                """SELECT replayed_at, replayed_count FROM pbx_replay
                    WHERE provider_id = %s""",
                [self.provider.id],
            )
            return cr.fetchone() or (None, 0)

    # ------------------------------------------------------------------- dead calls

    def _close_dead(self, live):
        """Close open calls of which the PBX has no leg.

        :param set live: ids of the legs that it has.
        """
        for call_id in self._alone(lambda env: self._find_dead(env, live)):
            self._alone(lambda env, call_id=call_id: self._log(env).close(call_id))
            self.closed += 1

    def _find_dead(self, env, live):
        before = fields.Datetime.now() - timedelta(seconds=SILENT_SECONDS)
        calls = env["pbx.call"].search(
            [
                ("provider_id", "=", self.provider.id),
                ("state", "!=", "done"),
                ("ref", "!=", False),
                ("last_event_at", "<", before),
            ],
            order="last_event_at",
            limit=MAX_CALLS,
        )
        return [call.id for call in calls if not live & legs_of(call)]

    def _log(self, env):
        return CallLog(env, env["pbx.provider"]._settings(self.provider.id))

    def _alone(self, work):
        return in_own_transaction(self.env, work, user=SUPERUSER_ID, context={})

    # ------------------------------------------------------------------ what is said

    def run_for_person(self):
        """Do it; return the notification that says what came of it."""
        outcome = self.run(urgent=True)
        if outcome is Outcome.FAILED:
            return notification(self.error, "danger", True)
        if outcome is Outcome.RUNNING:
            return notification(
                self.env._(
                    "The PBX was asked for the events that it kept, and is not done "
                    "yet: it continues automatically."
                ),
                "info",
            )
        said = self.env._("The PBX sent %s events that it had kept.", self.count)
        if not self.count:
            said = self.env._(
                "The PBX had kept no events: Odoo knows all of its calls."
            )
        if self.closed:
            said += " " + self.env._(
                "%s calls whose end the PBX never reported were closed.", self.closed
            )
        return notification(said, "success")


def legs_of(calls):
    """Return the ids of all channels that the PBX has of calls, as far as it reported
    them: those of telephones, and those between them."""
    ids = set(calls.mapped("ref"))
    for call in calls:
        ids.update(event.leg for event in CallFacts.from_json(call.facts).events)
    return ids - {"", False}
