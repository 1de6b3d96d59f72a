"""What follows a click lands in the click's call, whichever story the PBX tells."""

import random
from datetime import UTC, datetime, timedelta
from unittest.mock import patch
from zoneinfo import ZoneInfo

from odoo.tests import tagged
from odoo.tools import SQL

from ..models.call import match
from ..models.call.log import CallLog
from ..telephony.event import LOGGED, CallEvent
from .common import CALLER, REF, TYPED, PbxHttpCase, log_lines, scenarios
from .fake_pbx import FakePbxCase
from .test_dial import CALLBACK, DialCase

STORIES = ("calltype", "swapped", "plain", "two_ids")
OUTCOMES = {
    "answered": "answered",
    "busy": "busy",
    "no answer": "no_answer",
    "cancel": "cancelled",
    "failed": "failed",
    "offline": "failed",
}
# Once in the life of such a click; see test_queries.py.
JOINING = ("two_ids", "NOTIFY_OUT_START")
OUT = "out_" + "b2" * 20


@tagged("post_install", "-at_install")
class TestDialStories(FakePbxCase, PbxHttpCase):
    """The fake PBX dials, and posts signed webhooks to the real address."""

    def setUp(self):
        super().setUp()
        self.pbx.account.callinfo_url = self.base_url() + self.url_of()
        self.pbx.account.extensions["100"]["online"] = True

    def click(self, story, outcome, early=False):
        """Dial, and have the story played: afterwards, or before the API answers."""
        self.pbx.account.click.update(story=story, outcome=outcome, speed=0)
        pbx, held = self.pbx.fake, []

        def play(ready, _speed):
            held.append(ready)
            if early:
                pbx.play(ready)

        mine = self.env["pbx.call"].with_user(self.anna)
        with patch.object(pbx, "play_later", play), log_lines():
            with self.webhook_open():
                call_id = mine.dial(TYPED)
                if not early:
                    pbx.play(held[0])
        self.env.invalidate_all()
        return self.env["pbx.call"].browse(call_id), held[0]

    def check(self, story, outcome, early=False):
        call, plan = self.click(story, outcome, early)
        self.assertEqual(self.calls(), call, "one call")
        spoken = outcome == "answered"
        self.assertCall(
            call,
            state="done",
            outcome=OUTCOMES[outcome],
            direction="outbound",
            number=CALLER,
            user_id=self.anna,
            extension_id=self.extension,
            participant_ids=self.anna,
            talk_seconds=20 if spoken else 0,
            own_leg_only=False if story == "plain" else outcome == "offline",
        )
        self.assertEqual(set(self.legs(call)), {"100"})
        for step in plan.steps:
            ref = step.fields["pbx_call_id"]
            self.assertEqual(call._find_by_ref(self.provider.id, ref), call)
        self.assertEqual(len(call.recording_ids), 1 if spoken else 0)
        self.assertEqual(len(self.asked(CALLBACK)), 1)

    def test_every_story_with_every_end(self):
        for story in STORIES:
            for outcome in OUTCOMES:
                with self.fresh(story, outcome):
                    self.pbx.reset()
                    self.pbx.account.mode = self.mode
                    self.pbx.account.callinfo_url = self.base_url() + self.url_of()
                    self.check(story, outcome)

    def test_told_before_the_pbx_has_answered(self):
        for story in STORIES:
            with self.fresh(story):
                self.pbx.reset()
                self.pbx.account.callinfo_url = self.base_url() + self.url_of()
                self.check(story, "answered", early=True)

    def test_the_phone_went_off_meanwhile(self):
        """It was online a moment ago, and is not asked for again."""
        self.click("calltype", "answered")
        self.pbx.account.extensions["100"]["online"] = False
        mine = self.env["pbx.call"].with_user(self.anna)
        with self.webhook_open(), log_lines():
            pbx = self.pbx.fake
            with patch.object(pbx, "play_later", pbx.play):
                call_id = mine.dial("020 7946 0202")
        self.env.invalidate_all()
        self.assertCall(
            self.env["pbx.call"].browse(call_id), state="done", outcome="failed"
        )


@tagged("post_install", "-at_install")
class TestDialStoriesSpec(TestDialStories):
    mode = "spec"


class BindCase(DialCase):
    def setUp(self):
        super().setUp()
        self.now = datetime.now(UTC).replace(tzinfo=None)
        zone = self.provider._zone()
        self.local = datetime.now(zone).strftime("%Y-%m-%d %H:%M:%S")

    def steps(self, name, **parameters):
        parameters.setdefault("call_start", self.local)
        parameters.setdefault("pbx_call_id", OUT)
        parameters.setdefault("extension", "100")
        return scenarios.scenario(name, **parameters)

    def play(self, steps, after=1, gap=1):
        """Have events received from ``after`` seconds after now on, and applied."""
        self.put(steps, self.now + timedelta(seconds=after), gap)
        self.run_job("apply_events")


@tagged("post_install", "-at_install")
class TestBind(BindCase):
    def test_any_order(self):
        """One call, its id the click's, and how it went the same."""
        chance = random.Random(4)
        for story in STORIES:
            steps = self.steps(f"click_{story}", caller=CALLER)
            orders = [steps, steps[::-1]]
            orders += [chance.sample(steps, len(steps)) for _ in range(8)]
            for place, order in enumerate(orders):
                with self.fresh(story, place, order=[s.event for s in order]):
                    call = self.dial()
                    self.play(order)
                    self.assertEqual(self.calls(), call)
                    self.assertCall(
                        call,
                        state="done",
                        outcome="answered",
                        number=CALLER,
                        user_id=self.anna,
                    )

    def test_one_by_one(self):
        """Each event in a transaction of its own, the recording first."""
        for story in STORIES:
            with self.fresh(story):
                call = self.dial()
                steps = self.steps(f"click_{story}", caller=CALLER)
                for place, step in enumerate([steps[-1], *steps[:-1]]):
                    self.play([step], after=place)
                self.assertEqual(self.calls(), call)
                self.assertCall(call, outcome="answered", user_id=self.anna)
                self.assertEqual(len(call.recording_ids), 1)

    def test_without_the_start_being_told(self):
        """Notifications of the PBX may be switched off."""
        for events in (("NOTIFY_ANSWER",), ("NOTIFY_OUT_END",), ("NOTIFY_OUT_START",)):
            with self.fresh(*events):
                call = self.dial()
                steps = self.steps("click_plain", caller=CALLER)
                self.play([step for step in steps if step.event in events])
                self.assertEqual(self.calls(), call)
                self.assertEqual(call.ref, OUT)

    def test_two_numbers_from_one_phone(self):
        """Told in the other order than clicked."""
        one, two = self.dial("020 7946 0201"), self.dial("020 7946 0202")
        second, first = (
            self.steps("click_plain", caller=f"+44207946020{n}", pbx_call_id=f"out_{n}")
            for n in (2, 1)
        )
        self.play(second)
        self.play(first)
        self.assertEqual(self.calls(), one + two)
        self.assertEqual([one.ref, two.ref], ["out_1", "out_2"])

    def test_own_legs_that_do_not_say_whom_they_will_reach(self):
        one, two = self.dial("020 7946 0201"), self.dial("020 7946 0202")
        for n in (2, 1):
            steps = self.steps(
                "click_calltype", caller=f"+44207946020{n}", pbx_call_id=f"out_{n}"
            )
            steps[0].fields["destination"] = "100"
            self.play(steps[:1])
        for n in (2, 1):
            steps = self.steps(
                "click_calltype", caller=f"+44207946020{n}", pbx_call_id=f"out_{n}"
            )
            self.play(steps[1:])
        self.assertEqual(self.calls(), one + two)
        self.assertEqual([one.ref, two.ref], ["out_1", "out_2"])

    def test_two_phones_call_one_number(self):
        hers, his = self.dial(), self.dial(user=self.boris)
        for extension, ref in (("101", "out_1"), ("100", "out_0")):
            self.play(
                self.steps(
                    "click_plain", caller=CALLER, pbx_call_id=ref, extension=extension
                )
            )
        self.assertEqual(self.calls(), hers + his)
        self.assertEqual([hers.ref, his.ref], ["out_0", "out_1"])
        self.assertEqual([hers.user_id, his.user_id], [self.anna, self.boris])

    def test_dialled_by_hand_is_another_call(self):
        """Before the click and still going on, and after the click has its id."""
        by_hand = self.steps("outbound", caller=CALLER, pbx_call_id="out_0")
        self.play(by_hand[:2], after=-100)
        call = self.dial()
        self.play(by_hand[2:])
        self.assertFalse(call.ref)
        self.play(self.steps("click_calltype", caller=CALLER))
        self.play(self.steps("outbound", caller=CALLER, pbx_call_id="out_9"), after=30)
        self.assertEqual(call.ref, OUT)
        self.assertEqual(len(self.calls()), 3)

    def test_dialled_by_hand_to_another_number(self):
        for other in ("+442079460777", "112", "101", "*98"):
            with self.fresh(other):
                call = self.dial()
                self.play(self.steps("outbound", caller=other, pbx_call_id="out_0"))
                self.assertFalse(call.ref)
                self.assertEqual(len(self.calls()), 2)

    def test_a_call_that_comes_in_meanwhile(self):
        call = self.dial()
        self.play(scenarios.scenario("answered", caller=CALLER, pbx_call_id=REF))
        self.assertFalse(call.ref)
        self.assertEqual(len(self.calls()), 2)

    def test_too_late(self):
        call = self.dial()
        self.play(
            self.steps("outbound", caller=CALLER, call_start="2026-01-01 00:00:00"),
            after=130,
        )
        self.assertFalse(call.ref)

    def test_wrong_clocks(self):
        """The PBX's clock, or the zone that was entered, is not right."""
        for shift in (-7200, -90, -20, 20, 90, 3600):
            with self.fresh(shift):
                call = self.dial()
                moment = datetime.now(self.provider._zone()) + timedelta(seconds=shift)
                self.play(
                    self.steps(
                        "click_plain",
                        caller=CALLER,
                        call_start=moment.strftime("%Y-%m-%d %H:%M:%S"),
                    )
                )
                self.assertEqual(self.calls(), call)

    def test_the_number_without_its_country(self):
        call = self.dial()
        steps = self.steps("click_plain", caller=CALLER)
        for step in steps:
            if "destination" in step.fields:
                step.fields["destination"] = "2079460201"
        self.play(steps)
        self.assertEqual(self.calls(), call)

    def test_the_line_s_extension_is_told(self):
        """Shown another extension's number, the PBX tells of that extension."""
        self.extension.caller_id = "+442079460900"
        self.extension_2.caller_id = "+442079460901"
        for story in STORIES:
            with self.fresh(story):
                call = self.dial(line=self.extension_2.id)
                self.play(self.steps(f"click_{story}", caller=CALLER, extension="101"))
                self.assertEqual(self.calls(), call)
                self.assertCall(
                    call,
                    outcome="answered",
                    user_id=self.anna,
                    extension_id=self.extension,
                    participant_ids=self.anna,
                )
                self.assertEqual(set(self.legs(call)), {"100"})

    def test_the_contact_that_was_clicked_stays(self):
        _one, two = self.new_partner("One"), self.new_partner("Two")
        call = self.dial(TYPED, "res.partner", two.id)
        self.play(self.steps("click_two_ids", caller=CALLER))
        self.assertCall(call, partner_id=two, outcome="answered")

    def test_what_the_pbx_refused_takes_no_call(self):
        self.break_next("429", CALLBACK)
        with self.fails(Exception):
            self.dial()
        refused = self.the_call()
        self.play(self.steps("outbound", caller=CALLER))
        self.assertEqual(len(self.calls() - refused), 1)
        self.assertEqual(refused.outcome, "failed")

    def test_told_after_it_was_given_up(self):
        call = self.dial()
        self.age(call, 190)
        self.run_job("close_calls")
        self.assertEqual(call.outcome, "failed")
        start = datetime.now(self.provider._zone()) - timedelta(seconds=185)
        self.play(
            self.steps(
                "click_calltype",
                caller=CALLER,
                call_start=start.strftime("%Y-%m-%d %H:%M:%S"),
            )
        )
        self.assertEqual(self.calls(), call)
        self.assertCall(call, outcome="answered", disposition="answered")


@tagged("post_install", "-at_install")
class TestBindNamed(BindCase):
    """A PBX that tells the call's id when it is asked to dial (not Zadarma)."""

    def dial_named(self, before=()):
        def dial(_dialect, _account, _extension, _number, _line="", **_more):
            if before:
                self.play(before)
            return OUT

        with patch.object(type(self.provider._dialect()), "dial", dial):
            return self.dial()

    def test_the_id_is_the_call_s(self):
        call = self.dial_named()
        self.assertCall(call, ref=OUT, state="ringing", user_id=self.anna)
        # Nothing but the id tells that this is it.
        self.play(self.steps("outbound", caller="+442079460777", extension="177"))
        self.assertEqual(self.calls(), call)
        self.assertCall(call, state="done", outcome="answered", user_id=self.anna)

    def test_its_events_come_before_the_answer(self):
        steps = self.steps("outbound", caller="+442079460777", extension="177")
        call = self.dial_named(before=steps)
        self.assertEqual(self.calls(), call)
        self.assertCall(call, ref=OUT, outcome="answered", user_id=self.anna)
        self.assertEqual(len(call.recording_ids), 1)


@tagged("post_install", "-at_install")
class TestBindHistory(BindCase):
    def logged(self, ref=OUT, called=CALLER, after=3, **values):
        start = self.now + timedelta(seconds=after)
        return CallEvent(
            LOGGED,
            ref,
            self.now + timedelta(hours=1),
            "outbound",
            called=called,
            extension="100",
            started=(start.replace(microsecond=0),),
            **{"disposition": "answered", "said": "answered", "talk": 20, **values},
        )

    def add(self, *events):
        groups = {}
        for event in events:
            groups.setdefault(event.ref, []).append(event)
        settings = self.provider._settings(self.provider.id)
        CallLog(self.env, settings).add_history(groups)

    def test_no_event_ever_came(self):
        call = self.dial()
        self.run_job("close_calls")
        self.add(self.logged(talk=26, called="", own_leg=True), self.logged())
        self.assertEqual(self.calls(), call)
        self.assertCall(
            call,
            ref=OUT,
            state="done",
            outcome="answered",
            talk_seconds=20,
            user_id=self.anna,
        )

    def test_among_other_calls(self):
        call = self.dial()
        self.add(
            self.logged(ref="out_1", called="+442079460777"),
            self.logged(),
            self.logged(ref="out_2", after=-600),
            self.logged(ref="out_3", after=600),
        )
        self.assertEqual(call.ref, OUT)
        self.assertEqual(len(self.calls()), 4)

    def test_what_is_far_from_any_click_is_written_together(self):
        self.dial()
        settings = self.provider._settings(self.provider.id)
        matcher = CallLog(self.env, settings).matcher
        near, far = [self.logged()], [self.logged(ref="out_3", after=600)]
        self.assertTrue(matcher.click_waits({OUT: near}))
        self.assertFalse(matcher.click_waits({"out_3": far}))


@tagged("post_install", "-at_install")
class TestBindCost(FakePbxCase, PbxHttpCase):
    def test_a_click_s_events_cost_what_others_do(self):
        """The first one of each id finds its click among others."""
        self.pbx.account.click["auto"] = False
        mine = self.env["pbx.call"].with_user(self.anna)
        for place, story in enumerate(("plain", *STORIES)):
            for other in range(5):
                mine.dial(f"+4420794607{place}{other}")
            with self.webhook_open(), log_lines():
                mine.dial(TYPED)
            self.env.invalidate_all()
            # Each in a second of its own: what is signed is one call's.
            start = datetime.now(ZoneInfo(self.provider.tz)) + timedelta(seconds=place)
            steps = scenarios.scenario(
                f"click_{story}",
                pbx_call_id=f"out_{place}",
                call_start=start.strftime("%Y-%m-%d %H:%M:%S"),
            )
            url, secret = self.url_of(), self.provider.api_secret
            for step in steps:
                self.env.flush_all()
                self.env.cr.flush()
                before = self.env.cr.sql_log_count
                self.post(step.event, step.fields, self.provider, secret, url)
                count = self.env.cr.sql_log_count - before
                # The end looks for call-backs, and for calls that ended meanwhile.
                most = 40 if (story, step.event) == JOINING else 22
                if place:  # the first one warms the caches
                    self.assertLessEqual(count, most, (story, step.event))
            call = self.env["pbx.call"].search([("ref", "=", f"out_{place}")])
            self.assertTrue(call.clicked_at)
            # Ten seconds later.
            self.env.cr.execute(
                "UPDATE pbx_call SET clicked_at = clicked_at - interval '1 hour'"
            )

    def test_the_look_up_uses_its_index(self):
        settings = self.provider._settings(self.provider.id)
        span = (datetime(2026, 1, 1), datetime(2026, 1, 2))
        where = match._waits(settings, [span])
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        self.env.cr.execute(
            SQL("EXPLAIN SELECT id FROM pbx_call WHERE %s ORDER BY clicked_at", where)
        )
        plan = "\n".join(row[0] for row in self.env.cr.fetchall())
        self.assertIn("click_waits_idx", plan)
