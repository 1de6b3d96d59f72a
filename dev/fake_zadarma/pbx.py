"""The fake PBX: plays scenarios to the webhook address and remembers what happened."""

import threading
import time
from datetime import datetime

from . import instructions, wire
from .events import TIME_FORMAT
from .livecalls import LiveCalls
from .scenario import Scenario, free_start
from .scenarios import plan

SHOWN_REPLIES = (
    *("caller_name", "redirect", "return_timeout", "hangup"),
    *("ivr_play", "wait_dtmf"),
)


class FakePbx:
    """One account with its calls."""

    def __init__(self, account):
        self.account = account
        self.calls = LiveCalls(self)

    # -- addresses ---------------------------------------------------------------------

    def set_url(self, url, callinfo=True, webhooks=True):
        """Probe an address with zd_echo and keep it.

        :return: ``None``, or the sentence that says why it was refused.
        """
        reason = wire.probe(url, self.account.webhook_timeout)
        if reason is None:
            with self.account.lock:
                if callinfo:
                    self.account.callinfo_url = url
                if webhooks:
                    self.account.webhooks_url = url
        return reason

    # -- one webhook -------------------------------------------------------------------

    def send(self, step, url=None):
        """Send one webhook and return its log entry.

        A notification that is switched off, or has no address, is not sent: the entry
        then has ``skipped``, and no status.

        :param str url: another address than the account's.
        """
        account = self.account
        pbx_call_id = step.fields.get("pbx_call_id", "")
        noted = {
            "at": account.local(),
            "event": step.event,
            "pbx_call_id": pbx_call_id,
            "fields": step.fields,
        }
        reason = None
        if url is None:
            url, reason = account.url_of(step.event)
        if reason:
            entry = {**noted, "url": None, "status": None, "reply": None, "ms": 0}
            entry = account.journal.add("webhook", **entry, skipped=reason)
        else:
            rendered = wire.render(step, account.secret)
            done = wire.deliver(url, rendered, account.webhook_timeout)
            entry = account.journal.add(
                "webhook",
                **noted,
                url=url,
                status=done.status,
                reply=done.reply,
                ms=done.ms,
                **({"error": done.error} if done.error else {}),
                **_instructions(step.event, done.reply),
            )
        if step.event == "NOTIFY_RECORD":
            self._recorded(step.fields["call_id_with_rec"])
        return entry

    def _recorded(self, call_id):
        # Ready whether or not the webhook arrived: the file does not depend on us.
        ready = time.monotonic() + self.account.record_ready_after
        self.account.recordings.setdefault(call_id, ready)

    # -- scenarios ---------------------------------------------------------------------

    def plan(self, name, parameters):
        """Build a scenario in the account's zone; raises ValueError with a sentence."""
        defaults = {"zone": self.account.zone}
        if parameters.get("call_start") is None:
            now = datetime.strptime(self.account.local(), TIME_FORMAT)
            number = Scenario(caller=parameters.get("caller")).number
            defaults["call_start"] = free_start(now, number)
        filled = {k: v for k, v in parameters.items() if v is not None}
        if "extensions" in filled:
            filled["extensions"] = tuple(filled["extensions"])
        return plan(name, **{**defaults, **filled})

    def play(self, ready, speed=0.0):
        """Send the webhooks of a plan, one after the other, and keep its statistics.

        :param float speed: factor for the delays; 0: no waits, 1: as in life.
        :return: list of log entries.
        """
        entries = []
        for step in ready.steps:
            if speed and step.delay:
                time.sleep(step.delay * speed)
            entries.append(self.send(step))
        self.keep_rows(ready.rows)
        return entries

    def keep_past(self, ready):
        """Keep a call whose webhooks are not sent: its statistics and recordings."""
        for step in ready.steps:
            if step.event == "NOTIFY_RECORD":
                self._recorded(step.fields["call_id_with_rec"])
        self.keep_rows(ready.rows)

    def play_later(self, ready, speed):
        """Play in the background."""
        threading.Thread(target=self.play, args=(ready, speed), daemon=True).start()

    def click(self, extension, number):
        """Make the call that a click-to-call asked for, as the settings tell it."""
        account = self.account
        if not account.click["auto"]:
            self.calls.begin({"extension": extension, "to": number})
            return
        outcome = account.click["outcome"]
        if account.balance <= 0:
            outcome = "no money"
        elif not account.extensions.get(extension, {"online": True})["online"]:
            outcome = "offline"
        parameters = {
            "caller": number,
            "extension": extension,
            "duration": account.click["duration"],
            "outcome": outcome,
        }
        ready = self.plan(f"click_{account.click['story']}", parameters)
        self.play_later(ready, account.click["speed"])

    def keep_rows(self, rows):
        with self.account.lock:
            self.account.rows.extend(rows)


def _instructions(event, reply):
    """Return what a reply tells the PBX to do; only START and IVR are asked."""
    if event not in instructions.ASKED:
        return {}
    shown = {}
    if isinstance(reply, dict):
        shown = {name: reply[name] for name in SHOWN_REPLIES if name in reply}
    problems = instructions.read(reply).problems
    return {**shown, **({"problems": list(problems)} if problems else {})}
