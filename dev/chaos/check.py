"""Inbox and log against the ledger: nothing lost, nothing doubled."""

import json
from collections import Counter

import log
from expected_calls import CALLS, shown

# The job looks every five minutes, and Odoo once a minute for what is due.
APPLIED_SECONDS = 420


class Check:
    """Compares what was acknowledged with what is there."""

    def __init__(self, system, ledger, press: bool = False):
        """`press`: let the job apply what is left, rather than wait for its turn."""
        self.system, self.ledger, self.press = system, ledger, press
        self.checked: set[int] = set()
        self.events = 0
        [[self.first]] = system.sql("select coalesce(max(id), 0) from pbx_event")

    def whole_calls(self) -> None:
        """Those that are over since the last time, by a PBX that repeats."""
        self._check(self.ledger.over(once=False), self._whole)

    def everything(self) -> None:
        """All calls, and that there is nothing else."""
        self.whole_calls()
        self._check(self.ledger.over(once=True), self._once)
        assert len(self.checked) == len(self.ledger.calls)
        sql = self.system.sql
        assert not sql("select ref, error from pbx_event where state = 'failed'")
        assert not sql("select ref from pbx_event where awaits_history")
        posted = {ref for call in self.ledger.calls.values() for ref in call.refs}
        rows = sql(
            "select distinct ref from pbx_event where ref is not null and id > %s",
            [self.first],
        )
        assert {ref for [ref] in rows} <= posted
        audit = self.system.admin().call("pbx.promise", "audit")
        assert audit["missing"] == 0, audit

    def _check(self, over, judge):
        new = {n: call for n, call in over.items() if n not in self.checked}
        if not new:
            return
        refs = sorted(ref for call in new.values() for ref in call.refs)
        self.wait_applied(refs)
        received = {}
        rows = self.system.sql(
            "select ref, event_type, payload, state from pbx_event"
            " where provider_id = %s and ref = any(%s)",
            [self.system.provider, refs],
        )
        for ref, event_type, payload, state in rows:
            assert state == "done", (ref, event_type, state)
            key = (event_type, _canonical(json.loads(payload)))
            received.setdefault(ref, Counter())[key] += 1
        calls = {}
        for call in log.calls(self.system.admin(), self._domain(refs)):
            calls.setdefault(call["ref"], []).append(call)
        for number, call in new.items():
            rows = sum((received.get(ref, Counter()) for ref in call.refs), Counter())
            about = (number, call.scenario, sorted(call.refs))
            assert set(rows.values()) <= {1}, ("doubled", about)
            taken = {_key(call.events[place]) for place in call.taken}
            assert taken <= rows.keys(), ("lost", about, taken - rows.keys(), rows)
            assert rows.keys() <= set(map(_key, call.events)), ("unknown", about)
            own = [one for ref in call.refs for one in calls.get(ref, ())]
            judge(call, own, rows, about)
            self.events += len(taken)
        self.checked |= new.keys()

    def _whole(self, call, own, rows, about):
        assert len(rows) == len(set(map(_key, call.events))), ("lost", about)
        assert len(own) == 1, ("calls", len(own), about)
        expected = {**CALLS[call.scenario]}
        del expected["found"]  # nobody knows these callers
        found = shown(own[0], expected, self.system.users)
        assert found == expected, (about, found, expected)

    def _once(self, call, own, rows, about):
        """What was not acknowledged is lost, or not: the call is there if any is."""
        if call.scenario == "click_two_ids":
            assert bool(rows) <= len(own) <= 2, about
        else:
            assert len(own) == bool(rows), (about, len(own), rows)

    def _domain(self, refs):
        return [("provider_id", "=", self.system.provider), ("ref", "in", refs)]

    def wait_applied(self, refs: list[str]) -> None:
        """Wait until every event of these calls is applied."""

        def waiting():
            return self.system.sql(
                "select ref, event_type, state, attempts, error from pbx_event"
                " where state in ('pending', 'failed') and ref = any(%s)",
                [refs],
            )

        def applied():
            if waiting() and self.press:
                self.system.apply_now()
            return not waiting()

        log.until(applied, APPLIED_SECONDS, "all events applied")


def _canonical(fields) -> str:
    return json.dumps(fields, sort_keys=True)


def _key(fields) -> tuple:
    return fields["event"], _canonical(fields)
