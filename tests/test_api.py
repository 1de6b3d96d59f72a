"""Questions to the PBX: limited for all workers together, noted, and explained."""

import time
from unittest.mock import patch

from odoo.exceptions import AccessError, ValidationError

from ..telephony import dialect as dialects
from ..telephony import errors
from ..telephony.dialect import GENERAL, STATISTICS, Exchange
from .common import SECRET, PbxCase, log_lines
from .fake_pbx import FakePbxCase


class TestLimits(PbxCase):
    def setUp(self):
        super().setUp()
        context = self.enter_registry_test_mode()
        context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        self.rates = self.env["pbx.rate"]
        self.env.flush_all()

    def wire(self, urgent=False):
        return self.provider._open_api(urgent)[1].wire

    def until_refused(self, bucket, most, urgent=False):
        wire = self.wire(urgent)
        for count in range(most + 1):
            try:
                wire.may_ask(bucket)
            except errors.RateLimited as error:
                return count, error
        self.fail(f"{most + 1} questions passed")

    def test_three_statistics_in_any_minute(self):
        count, error = self.until_refused(STATISTICS, 5)
        self.assertEqual(count, 3)
        self.assertFalse(self.provider.request_ids, "the PBX was not asked")
        self.assertTrue(55 <= error.retry_after <= 63, error.retry_after)

    def test_statistics_count_among_all_questions_too(self):
        self.provider.general_limit = 2
        count, _error = self.until_refused(STATISTICS, 5, urgent=True)
        self.assertEqual(count, 2)

    def test_jobs_leave_a_reserve_to_people(self):
        self.provider.general_limit = 10
        count, _error = self.until_refused(GENERAL, 20)
        self.assertEqual(count, 8)
        self.wire(urgent=True).may_ask(GENERAL)

    def test_questions_leave_the_minute_one_by_one(self):
        self.provider.general_limit = 4
        now = time.time()
        row = self.rates.create(
            {
                "provider_id": self.provider.id,
                "bucket": GENERAL,
                "sent": [now - 100, now - 40, now - 30, now - 20, now - 10],
            }
        )
        row.flush_recordset()
        with self.assertRaises(errors.RateLimited) as caught:
            self.wire(urgent=True).may_ask(GENERAL)
        # The one of 40 seconds ago has to leave the window.
        wanted = dialects.get("zadarma").rate_window_seconds - 40
        self.assertTrue(wanted <= caught.exception.retry_after <= wanted + 2)

    def test_a_clock_that_was_set_back_blocks_nobody(self):
        later = time.time() + 3 * 3600
        self.rates.create(
            {
                "provider_id": self.provider.id,
                "bucket": GENERAL,
                "sent": [later] * 100,
                "blocked_until": later,
            }
        ).flush_recordset()
        self.wire().may_ask(GENERAL)

    def test_who_was_told_to_wait_waits_with_all_the_others(self):
        error = errors.RateLimited("told", retry_after=40)
        exchange = Exchange("GET", "/v1/x/", status=429, error=error)
        with self.assertNoLogs("odoo.addons.cloud_pbx", "WARNING"):
            self.wire().was_asked(exchange)
        with self.assertRaises(errors.RateLimited) as caught:
            self.wire(urgent=True).may_ask(GENERAL)
        self.assertTrue(35 <= caught.exception.retry_after <= 41)

    def test_each_cloud_pbx_has_limits_of_its_own(self):
        self.until_refused(STATISTICS, 5)
        other = self.new_provider(self.company, self.robot, "other")
        self.env.flush_all()
        other._open_api()[1].wire.may_ask(STATISTICS)

    def test_a_limit_of_nothing_is_none(self):
        with self.assertRaises(ValidationError):
            self.provider.statistics_limit = 0


class TestQuestions(FakePbxCase, PbxCase):
    def balance(self):
        dialect, account = self.provider._open_api()
        return dialect.fetch_balance(account)

    def test_what_was_asked_is_kept_without_secrets(self):
        self.pbx.account.balance = 12.5
        self.assertEqual(self.balance().amount, "12.5")
        [row] = self.provider.request_ids
        self.assertEqual((row.method, row.status), ("GET", 200))
        self.assertIn("/v1/info/balance", row.path)
        self.assertIn("12.5", row.answered)
        self.assertFalse(row.error)
        self.assertNotIn(SECRET, f"{row.asked} {row.answered} {row.path}")

    def test_the_form_says_what_went_wrong_last(self):
        self.break_next("500")
        with self.fails(errors.Unreachable):
            self.balance()
        self.provider.invalidate_recordset()
        self.assertIn("cannot be reached", self.provider.last_api_error)
        self.assertTrue(self.provider.last_api_error_at)
        self.assertEqual(self.provider.request_error_count, 1)
        # What the PBX has answered since is no trouble any more.
        self.balance()
        self.provider.invalidate_recordset()
        self.assertFalse(self.provider.last_api_error)
        self.assertFalse(self.provider.request_error_count)

    def test_without_a_log_only_failures_are_kept(self):
        self.provider.keep_log = False
        self.balance()
        self.assertFalse(self.provider.request_ids)
        self.break_next("html")
        with self.fails(errors.BadAnswer):
            self.balance()
        self.provider.invalidate_recordset()
        self.assertEqual(self.provider.request_ids.error_code, "bad_answer")
        self.assertFalse(self.provider.request_ids.answered)

    def test_a_limit_told_with_status_200_is_one(self):
        self.break_next("200")
        with self.fails(errors.RateLimited):
            self.balance()
        with self.fails(errors.RateLimited):
            self.balance()
        self.assertEqual(len(self.asked("balance")), 1, "it was not asked again")

    def test_a_question_never_waits_for_a_limit(self):
        self.provider.general_limit = 1
        begun = time.monotonic()
        self.balance()
        with self.fails(errors.RateLimited):
            self.balance()
        self.assertLess(time.monotonic() - begun, 5)

    def test_every_failure_has_its_sentence(self):
        said = set()
        for kind in (
            errors.WrongKey,
            errors.AddressNotAllowed,
            errors.RateLimited,
            errors.NoMoney,
            errors.BadParameter,
            errors.NotFound,
            errors.Unreachable,
            errors.BadAnswer,
        ):
            sentence = self.provider._explain(kind("in its words"))
            self.assertIn("Zadarma", sentence)
            said.add(sentence)
        self.assertEqual(len(said), 8)

    def test_a_line_of_the_log_that_cannot_be_written_costs_no_answer(self):
        self.pbx.account.balance = 12.5
        note = patch.object(
            type(self.env["pbx.request"]), "_note", side_effect=ValueError("secret")
        )
        with note, log_lines() as lines:
            self.assertEqual(self.balance().amount, "12.5")
        self.assertIn("could not be noted: ValueError", str(lines))
        self.assertNotIn("secret", str(lines))

    def test_text_that_nothing_can_hold_is_kept_all_the_same(self):
        self.pbx.account.currency = "US\0D\ud83d"
        self.assertEqual(self.balance().currency, "US\ufffdD\ufffd")
        [row] = self.provider.request_ids
        self.assertIn("US\ufffdD", row.answered)

    def test_only_administrators_read_the_log(self):
        self.balance()
        with self.assertRaises(AccessError):
            self.env["pbx.request"].with_user(self.supervisor).search([])
