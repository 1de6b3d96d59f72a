"""The report by email: real mails, of calls that are written as they were."""

import re
from datetime import date, datetime, timedelta
from unittest.mock import patch

from lxml import html

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.modules.neutralize import get_neutralization_queries
from odoo.tests import freeze_time, tagged

from ..models.figures.report import CallReport, ReportContent
from .common import LINE, PbxCase

# A Tuesday; London is at UTC+1.
TUESDAY = datetime(2026, 6, 16)


class ReportCase(PbxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.resource_calendar_id.tz = "Europe/London"
        cls.company.pbx_report = "daily"
        cls.supervisor.email = "sue@example.com"
        cls.anna.email = "anna@example.com"
        cls.line = cls.env["pbx.line"].create(
            {"number": LINE, "name": "Shop", "provider_id": cls.provider.id}
        )
        # What other companies of the database have is not looked at.
        cls.env["res.company"].search([("id", "!=", cls.company.id)]).write(
            {"pbx_report": "never"}
        )
        cls.env["mail.mail"].search([]).unlink()

    def call(self, start, direction="inbound", outcome="answered", **values):
        """Write a call as it was; times are in UTC."""
        company = values.pop("company", self.company)
        provider = values.pop("provider", self.provider)
        wait, talk = values.pop("wait", 5), values.pop("talk", 60)
        is_talk = outcome == "answered"
        return self.env["pbx.call"].create(
            {
                "provider_id": provider.id,
                "company_id": company.id,
                "direction": direction,
                "outcome": outcome,
                "state": "done",
                "number": "+442079460333",
                "start": start,
                "answer": is_talk and start + timedelta(seconds=wait),
                "stop": start + timedelta(seconds=wait + talk * is_talk),
                "wait_seconds": wait,
                "talk_seconds": talk * is_talk,
                "user_id": is_talk and self.anna.id,
                "line_id": provider == self.provider and self.line.id,
                **values,
            }
        )

    def promise(self, opened_at, number="+442079460333", **values):
        return self.env["pbx.promise"].create(
            {
                "company_id": self.company.id,
                "provider_id": self.provider.id,
                "number": number,
                "opened_at": opened_at,
                "began_at": opened_at,
                "deadline": opened_at + timedelta(hours=1),
                **values,
            }
        )

    def job(self, now):
        with freeze_time(now):
            self.run_job("report")

    def mails(self):
        """Those about calls, and not what Odoo writes when an address changes."""
        self.env.invalidate_all()
        about_calls = [
            "|",
            ("subject", "ilike", "phone"),
            ("subject", "ilike", "telefon"),
        ]
        return self.env["mail.mail"].search(about_calls, order="id")

    def mail_to(self, user):
        return self.mails().filtered(lambda mail: user.email in mail.email_to)

    def page(self, mail):
        return html.fromstring(mail.body_html)

    def figures(self, mail):
        """Return ``{figure: [value, before, change]}`` as the mail has them."""
        return {
            row.get("data-figure"): [
                " ".join(cell.text_content().split()) for cell in row.findall("td")[1:]
            ]
            for row in self.page(mail).xpath("//tr[@data-figure]")
        }

    def table(self, mail, name):
        rows = self.page(mail).xpath(f"//table[@name='{name}']//tr[td]")
        return [
            [" ".join(cell.text_content().split()) for cell in row.findall("td")]
            for row in rows
        ]


@tagged("post_install", "-at_install")
class TestWhen(ReportCase):
    def test_daily_at_the_start_of_the_companys_day_on_the_day_before(self):
        # In London the 16th begins at 23:00 UTC of the 15th.
        self.call(datetime(2026, 6, 14, 22, 59))  # the 14th, there
        self.call(datetime(2026, 6, 14, 23, 0))
        self.call(datetime(2026, 6, 15, 22, 59))
        self.call(datetime(2026, 6, 15, 23, 0))  # the 16th
        self.job("2026-06-14 23:05:00")
        self.assertEqual(self.figures(self.mails())["inbound"][0], "1")
        self.mails().unlink()
        self.job("2026-06-15 22:55:00")
        self.assertFalse(self.mails(), "its day has not begun")
        self.job("2026-06-15 23:05:00")
        [mail] = self.mails()
        self.assertEqual(self.figures(mail)["inbound"], ["2", "1", "+100%"])
        self.assertIn("Monday, June 15, 2026", mail.body_html)
        for later in ("2026-06-16 00:05:00", "2026-06-16 12:00:00"):
            self.job(later)
        self.assertEqual(self.mails(), mail, "once for each day")

    def test_other_zones_have_other_days(self):
        for zone, begins in (
            ("Pacific/Auckland", datetime(2026, 6, 15, 12)),
            ("America/Los_Angeles", datetime(2026, 6, 16, 7)),
            ("Asia/Kathmandu", datetime(2026, 6, 15, 18, 15)),
        ):
            with self.fresh(zone):
                self.company.resource_calendar_id.tz = zone
                self.call(begins - timedelta(hours=24, minutes=1))
                self.call(begins - timedelta(hours=24))
                self.call(begins - timedelta(seconds=1))
                self.call(begins)
                self.job(begins - timedelta(minutes=1))
                self.mails().unlink()
                self.job(begins + timedelta(minutes=1))
                [mail] = self.mails()
                self.assertEqual(self.figures(mail)["inbound"], ["2", "1", "+100%"])

    def test_a_day_of_another_length(self):
        """On 2026-03-29 London's clocks went forward: that day had 23 hours."""
        self.call(datetime(2026, 3, 28, 23, 59))
        self.call(datetime(2026, 3, 29, 0, 0))
        self.call(datetime(2026, 3, 29, 22, 59))
        self.call(datetime(2026, 3, 29, 23, 0))
        self.job("2026-03-29 23:01:00")
        self.assertEqual(self.figures(self.mails())["inbound"], ["2", "1", "+100%"])

    def test_weekly_on_monday_on_the_week_before(self):
        self.company.pbx_report = "weekly"
        self.call(datetime(2026, 6, 7, 22, 59))  # Sunday of the week before
        self.call(datetime(2026, 6, 7, 23, 0))  # Monday, 8 June
        self.call(datetime(2026, 6, 14, 22, 59))  # Sunday, 14 June
        self.call(datetime(2026, 6, 14, 23, 0))
        for day in range(10, 15):
            self.job(f"2026-06-{day} 12:00:00")
        self.assertFalse(self.mails(), "no week has ended")
        self.job("2026-06-14 23:01:00")
        [mail] = self.mails()
        self.assertEqual(self.figures(mail)["inbound"], ["2", "1", "+100%"])
        self.assertIn("06/08/2026 – 06/14/2026", mail.subject)
        for day in range(15, 21):
            self.job(f"2026-06-{day} 12:00:00")
        self.assertEqual(self.mails(), mail)
        self.job("2026-06-22 06:00:00")
        self.assertEqual(len(self.mails()), 2)

    def test_after_downtime_it_comes_late_and_once(self):
        self.company.pbx_report = "weekly"
        self.call(datetime(2026, 6, 10, 9, 0))
        self.job("2026-06-12 12:00:00")
        # Nothing ran from then until Thursday.
        self.job("2026-06-18 09:00:00")
        [mail] = self.mails()
        self.assertEqual(self.figures(mail)["inbound"][0], "1")
        self.job("2026-06-18 10:00:00")
        self.job("2026-06-21 10:00:00")
        self.assertEqual(self.mails(), mail)

    def test_daily_after_downtime_is_about_the_day_before(self):
        self.call(datetime(2026, 6, 13, 9, 0))
        self.job("2026-06-14 12:00:00")
        self.assertEqual(len(self.mails()), 1)
        self.mails().unlink()
        self.call(datetime(2026, 6, 16, 9, 0))
        self.job("2026-06-17 15:00:00")
        [mail] = self.mails()
        self.assertIn("June 16, 2026", mail.subject)

    def test_who_switches_it_on_waits_for_the_next_one(self):
        self.call(datetime(2026, 6, 10, 9, 0))
        self.call(datetime(2026, 6, 15, 9, 0))
        self.company.pbx_report = "never"
        self.job("2026-06-16 09:00:00")
        self.company.pbx_report = "daily"
        self.job("2026-06-16 15:00:00")
        self.company.pbx_report = "weekly"
        self.job("2026-06-17 15:00:00")
        self.assertFalse(self.mails())
        self.job("2026-06-22 01:00:00")
        self.assertEqual(len(self.mails()), 1)

    def test_never_is_never(self):
        self.company.pbx_report = "never"
        self.call(datetime(2026, 6, 15, 9, 0))
        self.job("2026-06-16 09:00:00")
        self.assertFalse(self.mails())

    def test_nothing_is_sent_where_there_were_no_calls(self):
        self.call(datetime(2026, 6, 14, 9, 0))
        self.call(datetime(2026, 6, 15, 9, 0), direction="internal")
        self.promise(datetime(2026, 6, 14, 9, 0))
        self.job("2026-06-16 09:00:00")
        self.assertFalse(self.mails())
        self.job("2026-06-17 09:00:00")
        self.assertFalse(self.mails())

    def test_whoever_meets_another_worker_leaves(self):
        """The lock is held by a transaction of its own, as another worker's would."""
        self.call(datetime(2026, 6, 15, 9, 0))
        report = CallReport(self.company, "daily")
        target = "odoo.addons.cloud_pbx.models.figures.report.try_lock"
        with freeze_time("2026-06-16 09:00:00"):
            with patch(target, return_value=False):
                report.send_if_due()
            self.assertFalse(self.mails())
            self.assertFalse(self.company.pbx_report_day)
            report.send_if_due()
        self.assertEqual(len(self.mails()), 1)
        self.assertEqual(self.company.pbx_report_day, date(2026, 6, 16))

    def test_the_note_of_what_was_sent_forgets_nothing_that_is_in_memory(self):
        self.call(datetime(2026, 6, 15, 9, 0))
        self.env["res.company"]._promise_settings(self.company.id)
        with patch.object(type(self.env.registry), "clear_cache") as cleared:
            self.job("2026-06-16 09:00:00")
        self.assertFalse(cleared.called)
        self.assertEqual(len(self.mails()), 1)


@tagged("post_install", "-at_install")
class TestReaders(ReportCase):
    def setUp(self):
        super().setUp()
        self.call(datetime(2026, 6, 15, 9, 0))

    def readers(self):
        self.job("2026-06-16 09:00:00")
        return sorted(mail.email_to for mail in self.mails())

    def test_all_supervisors_of_the_company(self):
        second = self.new_user("tom", "cloud_pbx.group_pbx_manager")
        second.email = "tom@example.com"
        gone = self.new_user("gone", "cloud_pbx.group_pbx_manager")
        gone.write({"email": "gone@example.com", "active": False})
        mute = self.new_user("mute", "cloud_pbx.group_pbx_manager")
        mute.email = False
        other = self.env["res.company"].create({"name": "Quay Ltd"})
        stranger = self.new_user("una", "cloud_pbx.group_pbx_manager", other)
        stranger.email = "una@example.com"
        self.assertEqual(
            self.readers(),
            ['"Supervisor" <sue@example.com>', '"Tom" <tom@example.com>'],
        )

    def test_those_who_were_chosen(self):
        self.company.pbx_report_user_ids = self.anna
        self.assertEqual(self.readers(), ['"Anna" <anna@example.com>'])

    def test_nobody_who_may_not_see_calls_or_is_not_of_the_company(self):
        guest = self.new_user("guest", "base.group_user")
        guest.email = "guest@example.com"
        other = self.env["res.company"].create({"name": "Quay Ltd"})
        stranger = self.new_user("una", "cloud_pbx.group_pbx_manager", other)
        stranger.email = "una@example.com"
        self.company.pbx_report_user_ids = guest | stranger | self.anna
        self.assertEqual(self.readers(), ['"Anna" <anna@example.com>'])

    def test_an_agent_gets_own_figures_and_own_call_backs(self):
        self.call(datetime(2026, 6, 15, 10, 0), user_id=self.boris.id)
        self.call(datetime(2026, 6, 15, 11, 0), outcome="missed", user_id=False)
        self.promise(datetime(2026, 6, 15, 11, 0), user_id=self.boris.id)
        self.promise(
            datetime(2026, 6, 15, 12, 0), "+442079460444", user_id=self.anna.id
        )
        self.company.pbx_report_user_ids = self.anna | self.supervisor
        self.job("2026-06-16 09:00:00")
        mine, all_of_it = self.mail_to(self.anna), self.mail_to(self.supervisor)
        self.assertEqual(self.figures(mine)["inbound"][0], "1")
        self.assertEqual(self.figures(all_of_it)["inbound"][0], "3")
        self.assertEqual([row[0] for row in self.table(mine, "people")], ["Anna"])
        self.assertEqual(
            [row[0] for row in self.table(all_of_it, "people")], ["Anna", "Boris"]
        )
        [waiting] = self.table(mine, "waiting")
        self.assertIn("7946 0444", waiting[0])
        self.assertEqual(len(self.table(all_of_it, "waiting")), 2)

    def test_an_agent_without_calls_gets_none(self):
        self.boris.email = "boris@example.com"
        self.company.pbx_report_user_ids = self.anna | self.boris
        self.assertEqual(self.readers(), ['"Anna" <anna@example.com>'])

    def test_no_money_without_the_right(self):
        seller = self.env.ref("sales_team.group_sale_salesman_all_leads")
        call = self.call(datetime(2026, 6, 15, 10, 0))
        won = self.env["crm.stage"].search([("is_won", "=", True)], limit=1)
        self.env["crm.lead"].create(
            {
                "name": "Rope",
                "type": "opportunity",
                "company_id": self.company.id,
                "pbx_call_id": call.id,
                "expected_revenue": 1234,
                "stage_id": won.id,
            }
        )
        second = self.new_user("tom", "cloud_pbx.group_pbx_manager")
        second.write({"email": "tom@example.com", "group_ids": [(4, seller.id)]})
        self.job("2026-06-16 09:00:00")
        without, with_right = self.mail_to(self.supervisor), self.mail_to(second)
        self.assertNotIn("leads", self.figures(without))
        self.assertNotIn("won_revenue", self.figures(without))
        self.assertNotIn("1,234", without.body_html)
        self.assertEqual(self.figures(with_right)["leads"], ["1", "0", "+1"])
        self.assertEqual(self.figures(with_right)["won"][0], "1")
        self.assertIn("1,234", self.figures(with_right)["won_revenue"][0])

    def test_one_reader_who_fails_holds_no_other_up(self):
        second = self.new_user("tom", "cloud_pbx.group_pbx_manager")
        second.email = "tom@example.com"
        render = ReportContent.render

        def fails_for_one(content):
            if content.env.user == self.supervisor:
                # As the database does: nothing more can be done in this transaction.
                content.env.cr.execute("SELECT 1 / 0", log_exceptions=False)
            return render(content)

        with (
            patch.object(ReportContent, "render", fails_for_one),
            self.assertLogs("odoo.addons.cloud_pbx", "ERROR") as logged,
        ):
            self.assertEqual(self.readers(), ['"Tom" <tom@example.com>'])
        self.assertEqual(len(logged.output), 1)

    def test_one_company_that_fails_holds_no_other_up(self):
        other = self.env["res.company"].create(
            {"name": "Aft Ltd", "pbx_report": "daily"}
        )
        send, failed = CallReport.send_if_due, []

        def fails_for_one(report):
            if report.company == other:
                failed.append(other)
                report.env.cr.execute("SELECT 1 / 0", log_exceptions=False)
            return send(report)

        with (
            patch.object(CallReport, "send_if_due", fails_for_one),
            self.assertLogs("odoo.addons.cloud_pbx", "ERROR") as logged,
        ):
            self.assertEqual(self.readers(), ['"Supervisor" <sue@example.com>'])
        self.assertTrue(failed)
        self.assertEqual(len(logged.output), 1)

    def test_two_companies_get_their_own(self):
        other = self.env["res.company"].create(
            {"name": "Quay Ltd", "pbx_report": "daily", "country_id": self.gb.id}
        )
        una = self.new_user("una", "cloud_pbx.group_pbx_manager", other)
        una.email = "una@example.com"
        # One who works for both gets one of each.
        both = self.new_user("both", "cloud_pbx.group_pbx_manager")
        both.write({"email": "both@example.com", "company_ids": [(4, other.id)]})
        provider = self.new_provider(other, una, "s3cr3t-of-quay")
        for hour in (8, 9, 10):
            self.call(
                datetime(2026, 6, 15, hour, 0),
                company=other,
                provider=provider,
                user_id=una.id,
            )
        self.job("2026-06-16 09:00:00")
        self.assertEqual(self.figures(self.mail_to(una))["inbound"][0], "3")
        self.assertEqual(self.figures(self.mail_to(self.supervisor))["inbound"][0], "1")
        found = {
            mail.subject.split(",")[0]: self.figures(mail)["inbound"][0]
            for mail in self.mail_to(both)
        }
        self.assertEqual(found, {"Harbour Ltd": "1", "Quay Ltd": "3"})


@tagged("post_install", "-at_install")
class TestContent(ReportCase):
    def report(self, now="2026-06-16 09:00:00"):
        self.job(now)
        return self.mail_to(self.supervisor)

    def test_figures_and_their_change(self):
        day, before = datetime(2026, 6, 15, 9), datetime(2026, 6, 14, 9)
        for wait in (5, 10, 30):
            self.call(day, wait=wait, talk=61)
        self.call(day, outcome="missed", wait=40, user_id=False)
        self.call(day, direction="outbound", talk=60)
        self.call(day, direction="outbound", outcome="no_answer", talk=0)
        self.call(before, wait=4, talk=30)
        self.call(before, outcome="missed", user_id=False)
        found = self.figures(self.report())
        self.assertEqual(found["inbound"], ["4", "2", "+100%"])
        self.assertEqual(found["answer_rate"], ["75%", "50%", "+25 points"])
        # Two of four within 20 seconds; one of two before.
        self.assertEqual(found["service_level"], ["50%", "50%", ""])
        self.assertEqual(found["lost"], ["1", "1", ""])
        self.assertEqual(found["wait_median"], ["0:10", "0:04", "+0:06"])
        self.assertEqual(found["outbound"], ["2", "0", "+2"])
        self.assertEqual(found["reached"], ["1", "0", "+1"])
        # 3 × 61 + 60
        self.assertEqual(found["talk_seconds"], ["4:03", "0:30", "+710%"])
        # Nothing was promised: there is nothing to divide by.
        self.assertEqual(found["kept_rate"], ["–", "–", ""])

    def test_by_person_and_line(self):
        day = datetime(2026, 6, 15, 9)
        other = self.env["pbx.line"].create(
            {
                "number": "+442079460901",
                "name": "Yard",
                "provider_id": self.provider.id,
            }
        )
        for _each in range(2):
            self.call(day, user_id=self.boris.id, talk=3600)
        self.call(day, direction="outbound", talk=5)
        self.call(day, outcome="missed", user_id=False, line_id=other.id)
        mail = self.report()
        self.assertEqual(
            self.table(mail, "people"),
            [["Boris", "2", "0", "2:00:00"], ["Anna", "0", "1", "0:05"]],
        )
        [shop, yard] = self.table(mail, "lines")
        self.assertIn("Shop", shop[0])
        self.assertEqual(shop[1:], ["2", "0", "100%"])
        self.assertIn("Yard", yard[0])
        self.assertEqual(yard[1:], ["1", "1", "0%"])

    def test_who_still_waits_oldest_first_and_no_list(self):
        day = datetime(2026, 6, 15, 9)
        self.call(day)
        for place in range(13):
            self.promise(
                day - timedelta(hours=place),
                f"+4420794604{place:02}",
                user_id=self.anna.id,
                deadline=day + timedelta(days=30 if place == 12 else 0),
            )
        kept = self.promise(day - timedelta(days=3), "+442079460499")
        kept.write({"state": "kept", "closed_at": day})
        mail = self.report()
        waiting = self.table(mail, "waiting")
        self.assertEqual(len(waiting), 10)
        self.assertIn("7946 0412", waiting[0][0])
        self.assertNotIn("Overdue", waiting[0][1])
        self.assertIn("7946 0411", waiting[1][0])
        self.assertIn("Overdue", waiting[1][1])
        self.assertIn("Anna", waiting[1][1])
        self.assertIn("and 3 more", mail.body_html)
        [link] = self.page(mail).xpath("//table[@name='waiting']//tr[td][1]//a/@href")
        promise = self.env["pbx.promise"].search([("number", "like", "0412")])
        self.assertIn(f"model=pbx.promise&res_id={promise.id}", link)

    def test_a_name_is_no_markup(self):
        day = datetime(2026, 6, 15, 9)
        self.call(day)
        evil = self.new_partner("<b>Mallory</b> & sons", False)
        self.promise(day, partner_id=evil.id)
        mail = self.report()
        self.assertIn("&lt;b&gt;Mallory&lt;/b&gt; &amp; sons", mail.body_html)

    def test_the_readers_language_and_zone(self):
        self.env["res.lang"]._activate_lang("de_DE")
        view = self.env.ref("cloud_pbx.pbx_report_mail")
        view.update_field_translations(
            "arch_db", {"de_DE": {"Phone report": "Telefonbericht"}}
        )
        tom = self.new_user("tom", "cloud_pbx.group_pbx_manager")
        tom.write({"email": "tom@example.com", "lang": "de_DE", "tz": "Asia/Tokyo"})
        self.supervisor.tz = "Europe/London"
        for _each in range(1200):
            self.call(datetime(2026, 6, 15, 9))
        self.call(datetime(2026, 6, 15, 9), outcome="missed", user_id=False)
        self.promise(datetime(2026, 6, 15, 22, 30))
        self.job("2026-06-16 09:00:00")
        german, english = self.mail_to(tom), self.mail_to(self.supervisor)
        self.assertIn("Telefonbericht", german.body_html)
        self.assertNotIn("Telefonbericht", english.body_html)
        self.assertIn("Montag, 15. Juni 2026", german.body_html)
        self.assertIn("Monday, June 15, 2026", english.body_html)
        self.assertEqual(self.figures(german)["inbound"][0], "1.201")
        self.assertEqual(self.figures(english)["inbound"][0], "1,201")
        self.assertEqual(self.figures(german)["answer_rate"][0], "99,9%")
        self.assertIn('lang="de-DE"', german.body_html)
        [[_name, since]] = self.table(german, "waiting")
        self.assertIn("16.06.26, 07:30", since)
        [[_name, since]] = self.table(english, "waiting")
        self.assertIn("6/15/26, 11:30", since.replace("\u202f", " "))

    def test_words_of_our_own_are_translated(self):
        """By the catalogue that comes with the addon."""
        self.env["res.lang"]._activate_lang("de_DE")
        self.env["ir.module.module"]._load_module_terms(["cloud_pbx"], ["de_DE"])
        self.supervisor.lang = "de_DE"
        self.call(datetime(2026, 6, 15, 9))
        mail = self.report()
        german = self.env["ir.qweb"].with_context(lang="de_DE").env
        label = self.page(mail).xpath("//tr[@data-figure='inbound']/td[1]")[0]
        self.assertEqual(label.text_content().strip(), german._("Incoming calls"))

    def test_from_right_to_left(self):
        self.env["res.lang"]._activate_lang("ar_001")
        self.supervisor.lang = "ar_001"
        self.call(datetime(2026, 6, 15, 9))
        page = self.page(self.report())
        root = page.xpath("//html") or [page]
        self.assertEqual(root[0].get("dir"), "rtl")
        [label] = page.xpath("//tr[@data-figure='inbound']/td[1]")
        self.assertEqual(label.get("align"), "right")

    def test_it_is_whole_and_leads_to_the_overview(self):
        self.call(datetime(2026, 6, 15, 9))
        mail = self.report()
        self.assertTrue(mail.body_html.strip().startswith("<!DOCTYPE html>"))
        self.assertIn("/odoo/call-overview", mail.body_html)
        for address in re.findall(r'href="([^"]*)"', mail.body_html):
            self.assertTrue(address.startswith(("http://", "https://")), address)
        self.assertTrue(mail.auto_delete)
        self.assertEqual(mail.state, "outgoing")
        # Nothing that mail clients leave out.
        self.assertNotIn("<script", mail.body_html)
        self.assertNotIn("class=", mail.body_html)

    def test_as_many_statements_however_many_calls(self):
        def cost():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.job("2026-06-16 09:00:00")
            return self.env.cr.sql_log_count - before

        self.call(datetime(2026, 6, 15, 9))
        cost()
        costs = []
        for count in (1, 300):
            self.env.cr.execute("UPDATE res_company SET pbx_report_day = NULL")
            for _each in range(count):
                self.call(datetime(2026, 6, 15, 9))
            costs.append(cost())
        self.assertEqual(len(self.mails()), 3)
        self.assertLessEqual(costs[1], costs[0] + 1, costs)


@tagged("post_install", "-at_install")
class TestSendNow(ReportCase):
    def setUp(self):
        super().setUp()
        now = fields.Datetime.now()
        self.call(now - timedelta(hours=1))
        self.call(now - timedelta(hours=25))
        self.call(now - timedelta(days=6))
        self.call(now - timedelta(days=8))

    def send(self, user=None):
        company = self.company.with_user(user or self.supervisor)
        return company.action_pbx_send_report()

    def test_the_last_day_or_week_up_to_now(self):
        for rhythm, expected in (
            ("daily", ["1", "1", ""]),
            ("weekly", ["3", "1", "+200%"]),
            ("never", ["3", "1", "+200%"]),
        ):
            with self.fresh(rhythm):
                self.company.pbx_report = rhythm
                action = self.send()
                [mail] = self.mails()
                self.assertEqual(self.figures(mail)["inbound"], expected)
                self.assertIn("Supervisor", action["params"]["message"])

    def test_it_leaves_soon(self):
        """Odoo's job that sends mails is woken: by itself it runs once an hour."""
        job = self.env.ref("mail.ir_cron_mail_scheduler_action")
        waiting = [("cron_id", "=", job.id)]
        before = self.env["ir.cron.trigger"].search_count(waiting)
        self.send()
        self.assertGreater(self.env["ir.cron.trigger"].search_count(waiting), before)

    def test_it_takes_nothing_from_the_job(self):
        self.send()
        self.assertFalse(self.company.pbx_report_day)

    def test_who_may(self):
        admin = self.new_user("admin", "base.group_system")
        self.send(self.supervisor)
        self.send(admin)
        self.assertEqual(len(self.mails()), 2)
        with self.assertRaises(AccessError):
            self.send(self.anna)
        other = self.env["res.company"].create({"name": "Quay Ltd"})
        stranger = self.new_user("una", "cloud_pbx.group_pbx_manager", other)
        with self.assertRaises(AccessError):
            self.send(stranger)
        self.assertEqual(len(self.mails()), 2)

    def test_without_calls_it_says_so(self):
        self.env["pbx.call"].search([("company_id", "=", self.company.id)]).unlink()
        action = self.send()
        self.assertFalse(self.mails())
        self.assertIn("no calls", action["params"]["message"])

    def test_without_readers_it_says_so(self):
        self.supervisor.email = False
        with self.assertRaisesRegex(UserError, "email"):
            self.send()

    def test_a_neutralized_copy_sends_none(self):
        """Odoo itself switches jobs off, and has mails go nowhere."""
        for query in get_neutralization_queries(["base", "mail", "cloud_pbx"]):
            self.env.cr.execute(query)
        self.env.invalidate_all()
        self.assertFalse(self.env.ref("cloud_pbx.ir_cron_report").active)
        self.assertFalse(self.env.ref("cloud_pbx.ir_cron_chatter").active)
        servers = self.env["ir.mail_server"].search([])
        self.assertEqual(servers.mapped("smtp_host"), ["invalid"])
