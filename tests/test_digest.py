"""What Odoo's digest says of calls."""

from datetime import datetime, timedelta

from odoo.exceptions import AccessError
from odoo.tests import freeze_time, tagged

from .test_report import ReportCase

NOW = datetime(2026, 6, 16, 12, 0, 0)
KPIS = (
    "kpi_pbx_inbound",
    "kpi_pbx_answer_rate",
    "kpi_pbx_lost",
    "kpi_pbx_kept_rate",
)


@tagged("post_install", "-at_install")
class TestDigest(ReportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.digest = cls.env["digest.digest"].create(
            {
                "name": "Of the phone",
                "company_id": cls.company.id,
                "user_ids": [(6, 0, cls.supervisor.ids)],
                "kpi_res_users_connected": False,
                "kpi_mail_message_total": False,
                **dict.fromkeys(KPIS, True),
            }
        )

    def setUp(self):
        super().setUp()
        # Three of four in the last day; one of two the day before.
        for hours, outcome in (
            (1, "answered"),
            (2, "answered"),
            (3, "answered"),
            (4, "missed"),
            (25, "answered"),
            (26, "busy"),
        ):
            self.call(NOW - timedelta(hours=hours), outcome=outcome, user_id=False)
        # Neither of them is one of those.
        self.call(NOW - timedelta(hours=5), direction="internal")
        self.call(NOW - timedelta(hours=6), outcome="missed", is_blocked=True)
        self.call(NOW - timedelta(hours=7), direction="outbound")

    def values(self, start, end, user=None, digest=None):
        digest = (digest or self.digest).with_user(user or self.supervisor)
        digest = digest.with_context(start_datetime=start, end_datetime=end)
        return {name: digest[f"{name}_value"] for name in KPIS}

    def test_values_of_a_period(self):
        day = timedelta(days=1)
        found = self.values(NOW - day, NOW)
        self.assertEqual(found["kpi_pbx_inbound"], 4)
        self.assertEqual(found["kpi_pbx_lost"], 1)
        self.assertAlmostEqual(found["kpi_pbx_answer_rate"], 75.0)
        # In the same transaction, of another period.
        found = self.values(NOW - 2 * day, NOW - day)
        self.assertEqual(found["kpi_pbx_inbound"], 2)
        self.assertAlmostEqual(found["kpi_pbx_answer_rate"], 50.0)
        self.assertEqual(found["kpi_pbx_lost"], 1)

    def test_call_backs_kept_in_time(self):
        """Of three that are due, one was kept in time; one is not due yet."""
        lost = self.env["pbx.call"].search(
            [("company_id", "=", self.company.id), ("outcome", "=", "missed")]
        )
        states = (
            {"state": "kept", "in_time": True},
            {"state": "kept", "in_time": False},
            {"deadline": datetime(2026, 6, 16, 9)},
            {"deadline": datetime(2099, 6, 16, 9)},
            {"state": "dismissed"},
        )
        for place, values in enumerate(states):
            call = self.call(NOW - timedelta(hours=4), outcome="missed", user_id=False)
            self.promise(
                NOW - timedelta(hours=4),
                f"+44207946050{place}",
                first_call_id=call.id,
                **values,
            )
        self.assertTrue(lost)
        found = self.values(NOW - timedelta(days=1), NOW)
        self.assertAlmostEqual(found["kpi_pbx_kept_rate"], 100 / 3)

    def test_nothing_to_divide_by(self):
        found = self.values(datetime(2020, 1, 1), datetime(2020, 1, 2))
        self.assertEqual(set(found.values()), {0})

    def test_of_the_digests_own_company(self):
        other = self.env["res.company"].create({"name": "Quay Ltd"})
        provider = self.new_provider(
            other, self.new_user("robot", "base.group_user", other), "s3cr3t-of-quay"
        )
        self.call(NOW - timedelta(hours=1), company=other, provider=provider)
        self.supervisor.company_ids = [(4, other.id)]
        theirs = self.digest.copy({"company_id": other.id})
        period = NOW - timedelta(days=1), NOW
        self.assertEqual(self.values(*period)["kpi_pbx_inbound"], 4)
        self.assertEqual(self.values(*period, digest=theirs)["kpi_pbx_inbound"], 1)
        # Without a company it is the reader's.
        of_nobody = self.digest.copy({"company_id": False})
        self.assertEqual(self.values(*period, digest=of_nobody)["kpi_pbx_inbound"], 4)

    def test_supervisors_only(self):
        for name in KPIS:
            with self.subTest(name), self.assertRaises(AccessError):
                self.digest.with_user(self.anna)[f"{name}_value"]

    def test_the_mail_of_a_supervisor(self):
        with freeze_time(NOW):
            kpis = {
                kpi["kpi_name"]: kpi
                for kpi in self.digest._compute_kpis(self.company, self.supervisor)
            }
        self.assertEqual(set(kpis), set(KPIS))
        self.assertEqual(kpis["kpi_pbx_inbound"]["kpi_col1"]["value"], 4)
        self.assertEqual(kpis["kpi_pbx_answer_rate"]["kpi_col1"]["value"], "75%")
        self.assertEqual(kpis["kpi_pbx_answer_rate"]["kpi_col1"]["margin"], 50.0)
        self.assertEqual(kpis["kpi_pbx_answer_rate"]["kpi_col2"]["value"], "66.7%")
        # Nothing was promised: no percentage.
        self.assertEqual(kpis["kpi_pbx_kept_rate"]["kpi_col3"]["value"], "–")
        self.assertIn("pbx_call_action", kpis["kpi_pbx_lost"]["kpi_action"])

    def test_an_agents_mail_leaves_them_out(self):
        self.digest.user_ids = self.anna | self.supervisor
        with freeze_time(NOW):
            self.assertEqual(self.digest._compute_kpis(self.company, self.anna), [])
            self.digest.action_send_manual()
        without, with_figures = (
            self.mail_to(user).body_html for user in (self.anna, self.supervisor)
        )
        self.assertIn("Lost Calls", with_figures)
        self.assertIn("75%", with_figures)
        self.assertNotIn("Lost Calls", without)

    def test_on_in_the_default_digest(self):
        default = self.env.ref("digest.digest_digest_default")
        for name in KPIS:
            self.assertTrue(default[name], name)
