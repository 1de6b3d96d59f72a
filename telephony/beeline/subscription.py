"""What is remembered of subscriptions, between one question and the next.

A subscription ends by itself, and so that events never stop a new one is made before
the old one is given back. Each step leaves a memory from which the next run can go on,
whatever happens in between::

    {
        "current": {pattern: {"id", "until", "address"}},
        "previous": [{"id", "until"}],
        "waiting": [pattern],
        "stepped_at": time,
    }

``address`` is a digest of where its events go. Events of ``previous`` ones are taken
until their ``until``. ``waiting`` are the patterns that a run has still to subscribe.
Times are texts, naive UTC.
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta

from .. import errors
from ..dialect import Remembered
from . import party

PREVIOUS_TIME = timedelta(days=1)
# Within this time the next step belongs to the same run.
RUN_TIME = timedelta(minutes=2)
MAX_PREVIOUS = 50
# Whatever their number, those replaced within this time are kept.
LATE_TIME = timedelta(minutes=10)
LONGEST_SECONDS = 7 * 86400
DEFAULT_SECONDS = 86400
# Larger numbers are moments of the epoch, or milliseconds.
_LEAST_EPOCH, _LEAST_EPOCH_MILLISECONDS = 10**9, 10**12


def utc_now():
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def patterns_of(account):
    """Return what is to be subscribed: abonents or numbers; ``""``: the whole PBX."""
    parts = (" ".join(part.split()) for part in re.split(r"[,;\n]", account.account))
    return list(dict.fromkeys(map(_pattern, filter(None, parts)))) or [""]


def _pattern(text):
    number = party.read_number(text)
    is_phone = number.startswith(party.CODE) and "@" not in text
    return party.ten_digits(number) if is_phone else text


def is_known(subscription_id, account, now):
    """Tell whether events of a subscription are taken, in constant time."""
    memory = Memory(account.memory)
    known = memory.current_ids + [
        one["id"] for one in memory.previous if _moment(one["until"]) > now
    ]
    given, found = subscription_id.encode(), False
    for one in known:
        found |= hmac.compare_digest(given, one.encode())
    expecting = account.expecting_until is not None and now < account.expecting_until
    return bool(given) and (found or expecting)


def is_current(subscription_id, account):
    """Tell whether a subscription is one of those that stand."""
    return subscription_id in Memory(account.memory).current_ids


class Memory:
    """What ``Account.memory`` holds, in whatever state an earlier run left it."""

    def __init__(self, values):
        values = values or {}
        self.current = dict(values.get("current") or {})
        self.previous = list(values.get("previous") or [])
        self.waiting = list(values.get("waiting") or [])
        self.stepped_at = _moment(values.get("stepped_at"))

    @property
    def current_ids(self):
        return [one["id"] for one in self.current.values()]

    def values(self):
        """Return what is to be remembered, as plain values."""
        return {
            "current": self.current,
            "previous": self._previous_kept(),
            "waiting": self.waiting,
            "stepped_at": self.stepped_at.isoformat(),
        }

    def _previous_kept(self):
        """Return the latest ones; of those just replaced, events are on their way."""
        lately = self.stepped_at + PREVIOUS_TIME - LATE_TIME
        fresh = sum(_moment(one["until"]) > lately for one in self.previous)
        return self.previous[-max(MAX_PREVIOUS, fresh) :]

    def retire(self, pattern, now):
        """Give up a subscription that has a successor, or is not wanted any more."""
        former = self.current.pop(pattern, None)
        if former is not None:
            until = (now + PREVIOUS_TIME).isoformat()
            self.previous.append({"id": former["id"], "until": until})

    def forget_previous(self, now):
        self.previous = [one for one in self.previous if _moment(one["until"]) > now]


def step(client, expires, kind):
    """Subscribe one of what is wanted; return the :class:`Remembered`.

    Patterns that an earlier run could not subscribe come first.

    :param int expires: seconds to ask for.
    :param str kind: what Beeline calls the type of a subscription.
    """
    account, now = client.account, utc_now()
    memory, wanted = Memory(account.memory), patterns_of(account)
    pattern, *rest = _due(memory, wanted, account, now)
    try:
        name, granted = client.subscribe(pattern, expires, kind)
    except (errors.NotFound, errors.BadParameter) as error:
        if pattern:
            # Of several that are entered, which one it is.
            error.detail = f"{pattern}: {error.detail}"
        raise
    # Counted from before the question: it may have taken long.
    memory.forget_previous(now)
    memory.retire(pattern, now)
    memory.current[pattern] = {
        "id": name,
        "until": end_of(granted, expires, now).isoformat(),
        "address": _digest(account.webhook_url),
    }
    memory.waiting, memory.stepped_at = rest, now
    if not rest:
        for one in [one for one in memory.current if one not in wanted]:
            memory.retire(one, now)
    until = min(_covered_until(memory, one, account, now) for one in wanted)
    former = [one for one in memory.current if one not in wanted]
    if rest and former:
        # What was subscribed before holds until all of it has a successor.
        covered = min(_covered_until(memory, one, account, now) for one in former)
        until = max(until, covered)
    return Remembered(memory.values(), until, more=bool(rest))


def _due(memory, wanted, account, now):
    """Return the patterns that this run has to subscribe, this one and those after."""
    waiting = [one for one in memory.waiting if one in wanted]
    goes_on = waiting and now - RUN_TIME <= memory.stepped_at <= now
    others = (
        pattern
        for pattern in wanted
        if not goes_on or _covered_until(memory, pattern, account, now) <= now
    )
    return list(dict.fromkeys((*waiting, *others)))


def _covered_until(memory, pattern, account, now):
    """Return until when events of a pattern come to where they are awaited now."""
    one = memory.current.get(pattern)
    if one is None or one["address"] != _digest(account.webhook_url):
        return now
    return _moment(one["until"])


def end_of(granted, asked, now):
    """Return when a subscription ends.

    :param granted: what the answer says: seconds, or a moment, as a number or a text.
    :param int asked: seconds; they count where the answer says nothing.
    """
    seconds = None
    text = str(granted or "").strip()
    if number := re.fullmatch(r"([0-9]{1,15})(?:\.[0-9]{0,15})?", text):
        seconds = int(number[1])
        if seconds >= _LEAST_EPOCH_MILLISECONDS:
            seconds = seconds // 1000 - _epoch_seconds(now)
        elif seconds >= _LEAST_EPOCH:
            seconds -= _epoch_seconds(now)
        elif seconds > max(LONGEST_SECONDS, asked):
            seconds //= 1000
    elif text:
        seconds = _seconds_until(text, now)
    if seconds is None or seconds <= 0:
        seconds = asked
    return now + timedelta(seconds=min(seconds, max(LONGEST_SECONDS, asked)))


def _seconds_until(text, now):
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return int((moment - now).total_seconds())


def release(client, former):
    """Give back those that stood before and are none of the current ones.

    :param dict former: a memory of before.
    """
    current = Memory(client.account.memory).current_ids
    _end(client, [one for one in Memory(former).current_ids if one not in current])


def end_all(client):
    """Give back all that stand."""
    _end(client, Memory(client.account.memory).current_ids)


def _end(client, names):
    """Give back what is named, as far as that is possible.

    :raises PbxError: the first thing that did not work.
    """
    failure = None
    for name in names:
        try:
            client.unsubscribe(name)
        except (errors.Unreachable, errors.WrongKey, errors.RateLimited):
            raise  # the others would fare no better
        except errors.PbxError as error:
            failure = failure or error
    if failure:
        raise failure


def stand(client):
    """Tell whether all that were made still are; asks for each, until one is not."""
    names = Memory(client.account.memory).current_ids
    return bool(names) and all(map(client.has_subscription, names))


def _digest(url):
    return hashlib.sha256(url.encode()).hexdigest()[:32]


def _moment(text):
    return datetime.fromisoformat(text) if text else datetime.min


def _epoch_seconds(moment):
    return int(moment.replace(tzinfo=UTC).timestamp())
