"""The PBX: plays scenarios to its live subscriptions and remembers what happened."""

import threading
import time
import uuid

from fake_pbx import posting

from . import document
from .account import Subscription
from .scenarios import SCENARIOS, plan

HEADERS = {"User-Agent": "Beeline look-alike", "Accept": "*/*"}


class FakePbx:
    """One account with its calls."""

    def __init__(self, account):
        self.account = account

    # -- one event ---------------------------------------------------------------------

    def rendered(self, step, start, subscription, form="usual", backwards=False):
        """Return ``(body, content type)`` of an event for a subscription."""
        form = document.FORMS[self.account.form or form]
        named = self._named(step, subscription)
        number = subscription.next_sequence(backwards)
        body = document.render(step, start, subscription.url, named, number, form)
        if step.spoil:
            return step.spoil(body)
        return body, document.CONTENT_TYPE

    def _named(self, step, subscription):
        """The subscription's id that is written into an event."""
        if step.subscription == "none":
            return ""
        if step.subscription == "former":
            same = [one for one in self.account.former if one.url == subscription.url]
            return same[-1].id if same else str(uuid.uuid4())
        if step.subscription == "unknown":
            return str(uuid.uuid4())
        return subscription.id

    def send(self, step, start, form="usual", backwards=False):
        """Send an event to each live subscription that it concerns.

        :return: the list of their log entries; one with ``skipped``, where there is no
            such subscription.
        """
        concerned = [
            one for one in self.account.live() if self.account.hears(one, step)
        ]
        if not concerned:
            skipped = "no live subscription"
            return [self._note(step, None, "", skipped=skipped, status=None, ms=0)]
        return [
            self._deliver(step, one, *self.rendered(step, start, one, form, backwards))
            for one in concerned
        ]

    def _deliver(self, step, subscription, body, kind, attempt=0):
        account = self.account
        headers = {**HEADERS, "Content-Type": kind}
        done = posting.deliver(subscription.url, body, headers, account.webhook_timeout)
        failed = done.status is None or done.status >= 500
        entry = self._note(
            step,
            subscription,
            body.decode(errors="replace"),
            status=done.status,
            reply=done.reply,
            ms=done.ms,
            **({"error": done.error} if done.error else {}),
            **({"attempt": attempt + 1} if attempt else {}),
        )
        if failed and attempt < len(account.retry_pauses):
            pause = account.retry_pauses[attempt]
            again = (step, subscription, body, kind, attempt + 1)
            later = threading.Timer(pause, self._deliver, again)
            later.daemon = True
            later.start()
        return entry

    def _note(self, step, subscription, body, **noted):
        leg = step.calls[0].leg if step.calls else None
        return self.account.journal.add(
            "webhook",
            at=self.account.now_text(),
            time=time.time(),
            event=step.event,
            target=step.abonent.extension if step.abonent else "",
            state=step.calls[0].state if step.calls else "",
            ref=leg.ref if leg else "",
            number=leg.number if leg else "",
            subscription=subscription.id if subscription else None,
            url=subscription.url if subscription else None,
            body=body,
            **noted,
        )

    # -- scenarios ---------------------------------------------------------------------

    def plan(self, name, parameters, speed=0.0):
        """Build a scenario with the account's abonents; raises ValueError.

        Unless its start is given, it is such that the call is over when it was played.
        """
        filled = {k: v for k, v in parameters.items() if v is not None}
        if "extensions" in filled:
            filled["extensions"] = tuple(filled["extensions"])
        ready = plan(name, abonents=self.account.abonents, **filled)
        if "start" in filled:
            return ready
        start = int(time.time() - ready.length * max(0, 1 - speed))
        parameters = {**filled, "start": float(start), "ref": ready.ref}
        return plan(name, abonents=self.account.abonents, **parameters)

    def play(self, ready, speed=0.0, form=None, order=None):
        """Send the events of a plan, one after the other, and keep what is listed.

        :param float speed: factor for the delays; 0: no waits, 1: as in life.
        :param str form: see ``document.FORMS``; ``None``: the scenario's own.
        :param order: places of the steps, in the order in which they are sent; the
            same place may come twice.
        :return: list of log entries.
        """
        kind = SCENARIOS[ready.name]
        steps = [ready.steps[i] for i in order] if order else ready.steps
        entries, moment = [], 0.0
        for step in steps:
            if speed and step.offset > moment:
                time.sleep((step.offset - moment) * speed)
            moment = max(moment, step.offset)
            if ready.name == "terminated":
                entries += self.terminate_all(step, ready.start)
                continue
            entries += self.send(step, ready.start, form or kind.form, kind.backwards)
        self.account.keep(ready)
        return entries

    def play_later(self, ready, speed, **how):
        """Play in the background."""
        threading.Thread(
            target=self.play, args=(ready, speed), kwargs=how, daemon=True
        ).start()

    def terminate_all(self, step, start):
        """End all subscriptions, and say so to each."""
        entries = []
        for one in self.account.live():
            self.account.end(one.id)
            entries.append(self._deliver(step, one, *self.rendered(step, start, one)))
        return entries

    def terminate(self, subscription_id, tell):
        """End one subscription; ``tell``: with an event. ``None``: there is none."""
        ended = self.account.end(subscription_id)
        if ended and tell:
            ready = self.plan("terminated", {})
            [step] = ready.steps
            self._deliver(step, ended, *self.rendered(step, ready.start, ended))
        return ended

    def render(self, ready, subscription_id="", url="", form=None):
        """Return the events of a plan as ``(step, body, content type)``, not sent.

        :param str subscription_id: that they shall name; ``""``: that of the last live
            subscription.
        """
        live = self.account.live()
        last = live[-1] if live else Subscription(url, "", "", 0, id="")
        named = Subscription(url or last.url, "", "", 0, id=subscription_id or last.id)
        kind = SCENARIOS[ready.name]
        return [
            (
                step,
                *self.rendered(
                    step, ready.start, named, form or kind.form, kind.backwards
                ),
            )
            for step in ready.steps
        ]

    def click(self, abonent, number):
        """Make the call that a click-to-call asked for, as the settings tell it.

        :return: its ``extTrackingId``.
        """
        wishes = self.account.click
        parameters = {
            "extension": abonent.extension,
            "caller": number,
            "outcome": wishes["outcome"],
            "ring": wishes["ring"],
            "duration": wishes["duration"],
        }
        ready = self.plan("click", parameters, wishes["speed"])
        if wishes["auto"]:
            self.play_later(ready, wishes["speed"])
        return ready.ref
