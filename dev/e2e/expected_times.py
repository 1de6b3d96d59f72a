"""The times of a call, worked out anew from the times of receipt the inbox kept."""

from datetime import datetime, timedelta

from log import Received, text

ENDS = ("NOTIFY_END", "NOTIFY_OUT_END")


def winning_end(events: list[Received]) -> Received | None:
    """The END that counts: an answered one wins, then the longest.

    Our own leg of a click-to-call counts only when there is no other.
    """
    ends = [event for event in events if event.event in ENDS]
    outer = [event for event in ends if not is_own_leg(event.fields)]
    return min(
        outer or ends,
        default=None,
        key=lambda event: (
            event.fields["disposition"] != "answered",
            -int(event.fields["duration"]),
            event.received_at,
        ),
    )


def is_own_leg(fields: dict) -> bool:
    swapped = len(fields.get("destination", "")) <= 5 < len(fields.get("internal", ""))
    return fields.get("calltype") == "callback_leg1" or swapped


def times(events: list[Received], start: datetime, outcome) -> dict:
    """The times of a call that began at `start`, as RPC tells them.

    `waits`: seconds until it was answered or over, and seconds of talk.
    """
    end = winning_end(events)
    stop = end and end.received_at
    answers = [e.received_at for e in events if e.event == "NOTIFY_ANSWER"]
    answer, talk = min(answers, default=None), 0
    if outcome == "answered":
        talk = int(end.fields["duration"])
        if answer is None or answer >= stop:
            answer = stop - timedelta(seconds=talk)
    elif stop:
        answer = None
    waited = (answer or stop or start) - start
    return {
        "start": text(start),
        "answer": text(answer),
        "stop": text(stop),
        "waits": (max(int(waited.total_seconds()), 0), talk),
    }
