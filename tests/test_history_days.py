"""Days of calls, told by events and by rows without ids: each call is once in the log.

Events get lost, come twice and in any order, before or after the rows; the rows' starts
differ from those of the events by up to five seconds; numbers call again within ten.
"""

import unittest

from odoo.tests import tagged

from ..telephony.event import ANSWERED, RELEASED, RINGING
from .test_history_rows import RowsCase

try:
    import hypothesis
    from hypothesis import strategies
except ImportError:  # a tool of our developers, which no server needs
    hypothesis = None

NUMBERS = ("+442079460201", "+442079460202", "")
EXAMPLES = 30


def days():
    """Return a strategy of days: lists of calls, each a dict."""
    call = strategies.fixed_dictionaries(
        {
            # Seconds since the call before began.
            "pause": strategies.integers(6, 15) | strategies.integers(60, 900),
            "number": strategies.sampled_from(NUMBERS),
            "phones": strategies.sets(
                strategies.sampled_from(("100", "101", "102")), min_size=1
            ),
            "lifted": strategies.booleans(),
            "seconds": strategies.integers(1, 90),
            # Of each row, in milliseconds.
            "shift": strategies.integers(-2400, 2400)
            | strategies.sampled_from((-5000, 5000)),
            # What arrives of its events; nothing: only the rows tell of it.
            "heard": strategies.sampled_from(("all", "ends", "nothing")),
        }
    )
    return strategies.lists(call, min_size=1, max_size=6)


@tagged("post_install", "-at_install")
@unittest.skipUnless(hypothesis, "hypothesis is not installed")
class TestDays(RowsCase):
    def plan(self, day):
        """Return ``[(ref, [[event]], [row])]`` of the calls of a day.

        Events come together that tell how a leg stands.
        """
        after, planned = 0, []
        for place, call in enumerate(day):
            after += call["pause"]
            ref, phones = f"R{place}", sorted(call["phones"])
            if call["number"] == "":
                # Nothing tells two withheld callers apart but the phone.
                phones = phones[:1]
            told, rows = [], []
            # Two starts that only rows tell of are no further apart than they were.
            shift = call["shift"] if call["heard"] != "nothing" else 0
            for phone in phones:
                lifts = call["lifted"] and phone == phones[0]
                over = after + 20 + (call["seconds"] if lifts else 0)
                leg = {"ref": ref, "extension": phone, "leg": f"{ref}/{phone}"}
                leg["caller"] = call["number"]
                events = [self.event(RINGING, after, **leg)]
                if lifts:
                    events.append(self.event(ANSWERED, after + 20, **leg))
                events.append(self.event(RELEASED, over, **leg))
                if call["heard"] == "all":
                    told += [events[:count] for count in range(1, len(events))]
                if call["heard"] != "nothing":
                    told.append(events)
                rows.append(
                    self.row(
                        phone,
                        after + shift / 1000,
                        call["number"],
                        talk=call["seconds"] if lifts else 0,
                        disposition="answered" if lifts else "missed",
                        said="",
                    )
                )
            planned.append((ref, told, rows))
        return planned

    def test_each_call_is_once_in_the_log(self):
        @hypothesis.settings(
            max_examples=EXAMPLES, deadline=None, derandomize=True, database=None
        )
        @hypothesis.given(days(), strategies.randoms(use_true_random=False))
        def check(day, random):
            planned = self.plan(day)
            steps = [events for _ref, told, _rows in planned for events in told * 2]
            steps += [rows for _ref, _told, rows in planned for _again in range(2)]
            random.shuffle(steps)
            with self.fresh(str(day)):
                for step in steps:
                    if step[0].ref:
                        self.log.add_events(step)
                    else:
                        self.read(*step)
                # The whole day once more, as a job reads it that catches up.
                every_row = [row for _ref, _told, rows in planned for row in rows]
                self.read(*every_row)
                calls = self.calls()
                self.assertEqual(len(calls), len(planned), day)
                heard = {ref for ref, told, _rows in planned if told}
                known = {c.ref for c in calls if not c.ref.startswith("row/")}
                self.assertEqual(known, heard)
                if all(abs(call["shift"]) < 3000 for call in day):
                    # Else a row may be nearer to the other call than to its own.
                    answered = sum(call["lifted"] for call in day)
                    spoken = calls.filtered(lambda one: one.outcome == "answered")
                    self.assertEqual(len(spoken), answered)
                self.assertEqual(
                    set(self.read(*every_row)), {"unchanged"}, "nothing is new"
                )

        check()
