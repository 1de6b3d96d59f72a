"""An Asterisk server: entered, connected, heard and asked."""

import importlib.util
import io
import json
import re
import wave
import zipfile
from datetime import timedelta
from unittest import TestCase
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.modules import get_module_path
from odoo.tests import Form, tagged

from ..models.history import pbx_replay
from ..telephony import errors
from ..telephony.asterisk import files
from ..telephony.facts import CallFacts
from .common import CALLER, LINE, PbxHttpCase, log_lines
from .fake_ari import LOGIN, PASSWORD, SECRET, FakeAri, body_of, replayed

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NAMES = {
    "cloud_pbx_cel.conf",
    "cloud_pbx_cel_custom.conf",
    "cloud_pbx_extensions.conf",
    "cloud_pbx_ari.conf",
    "README",
    "example_inbound.conf",
}


class AsteriskCase(PbxHttpCase):
    """``self.ari`` is what ``self.provider`` speaks to."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ari = cls.enterClassContext(FakeAri())
        cls.admin = cls.new_user("chief", "base.group_system")
        cls.provider = cls.new_asterisk()
        cls.mine = cls.provider.with_user(cls.admin)
        cls.phone = cls.new_extension("201", cls.anna)

    @classmethod
    def new_asterisk(cls, **values):
        return cls.new_provider(
            cls.company,
            cls.robot,
            SECRET,
            dialect="asterisk",
            login=LOGIN,
            server_url=cls.ari.url,
            **{"api_key": PASSWORD, "tz": False, **values},
        )

    def setUp(self):
        super().setUp()
        self.ari.reset()
        self.ari.webhook_url = self.provider.webhook_url
        pbx_replay._Heard.reports.clear()
        pbx_replay._Heard.reports_until.clear()
        pbx_replay._Heard.asked_at.clear()

    def fails(self, kind):
        """Expect an error, and keep what was written: Odoo's own takes it back."""
        return TestCase.assertRaises(self, kind)

    def migrate(self, name):
        path = f"{get_module_path('cloud_pbx')}/migrations/19.0.1.7.0/{name}.py"
        spec = importlib.util.spec_from_file_location("migration", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self.env.flush_all()
        module.migrate(self.env.cr, "19.0.1.6.0")
        self.env.invalidate_all()

    def tell(self, secret=SECRET, **values):
        """Post an event as Asterisk does; return the response."""
        body = body_of(values, secret)
        with log_lines():
            response = self.url_open(
                f"/pbx/asterisk/{self.provider.webhook_token}", data=body, headers=FORM
            )
        self.env.invalidate_all()
        return response


@tagged("post_install", "-at_install")
class TestAsteriskSettings(AsteriskCase):
    def test_a_secret_is_made_where_none_is_entered(self):
        one, other = (self.new_asterisk(api_secret=False) for _ in range(2))
        for provider in one + other:
            self.assertRegex(provider.api_secret, r"\A[A-Za-z0-9_-]{32}\Z")
        self.assertNotEqual(one.api_secret, other.api_secret)
        before = one.api_secret
        one.api_secret = False
        self.assertRegex(one.api_secret, r"\A[A-Za-z0-9_-]{32}\Z")
        self.assertNotEqual(one.api_secret, before)
        one.name = "Another"
        after = one.api_secret
        one.login = "other"
        self.assertEqual(one.api_secret, after)

    def test_it_is_made_when_a_server_type_is_chosen_later(self):
        provider = self.new_provider(self.company, self.robot, False, api_key=False)
        self.assertFalse(provider.api_secret)
        provider.write({"dialect": "asterisk"})
        self.assertEqual(len(provider.api_secret), 32)
        self.assertEqual(provider.server_url, "http://127.0.0.1:8088/ari")

    def test_what_would_break_a_file_is_refused(self):
        for name, value in (
            ("login", "a b"),
            ("login", 'a"b'),
            ("api_key", "a;b"),
            ("api_key", "päss"),
            ("api_secret", "a$b"),
            ("external_url", "https://a,b.example"),
            ("external_url", 'https://a"b.example'),
            ("asterisk_context", "a]b"),
            ("asterisk_technology", "PJSIP/"),
            ("asterisk_trunks", "a;b"),
            ("asterisk_trunks", "carrier, c*d"),
            ("asterisk_dial_prefix", "9,1"),
            ("asterisk_recordings", "relative"),
            ("asterisk_recordings", "/var/my calls"),
            ("asterisk_ring_seconds", 0),
            ("asterisk_ring_seconds", 9999),
        ):
            with self.subTest(name, value=value):
                with self.assertRaises(ValidationError) as caught:
                    self.provider.write({name: value})
                    self.env.flush_all()
                label = self.provider._label_of(name)
                self.assertIn(label, str(caught.exception))

    def test_what_may_be_named_as_trunks(self):
        for names in ("carrier", "carrier-*, other", "DAHDI/i1*,", "a@b.example , *"):
            self.provider.asterisk_trunks = names
            self.env.flush_all()

    def test_another_server_type_does_not_mind(self):
        zadarma = self.new_provider(self.company, self.robot, "s;$", api_key="a b")
        zadarma.asterisk_ring_seconds = 0
        self.assertEqual(zadarma.api_secret, "s;$")

    def test_a_copy_has_no_secret_of_the_original(self):
        self.assertNotEqual(self.provider.copy().api_secret, self.provider.api_secret)

    def test_what_is_shown(self):
        with Form(self.mine) as form:
            shown = {
                name
                for name in ("login", "api_key", "api_secret", "account", "tz")
                if not form._get_modifier(name, "invisible")
            }
        self.assertEqual(shown, {"login", "api_key", "api_secret"})
        arch, _view = (
            self.env["pbx.provider"]
            .with_user(self.admin)
            ._get_view(self.env.ref("cloud_pbx.pbx_provider_view_form").id)
        )
        [page] = arch.xpath("//page[@name='asterisk']")
        self.assertEqual(page.get("invisible"), "dialect != 'asterisk'")
        labels = {
            node.get("string")
            for node in arch.xpath("//field[@name='api_key']")
            if "'asterisk'" in node.get("invisible")
        }
        self.assertEqual(labels, {"ARI password"})


@tagged("post_install", "-at_install")
class TestAsteriskFiles(AsteriskCase):
    def test_the_files(self):
        texts = self.mine.asterisk_files()
        self.assertEqual(set(texts), NAMES)
        self.assertIn(self.provider.webhook_url, texts["cloud_pbx_cel_custom.conf"])
        self.assertIn(f"password = {PASSWORD}", texts["cloud_pbx_ari.conf"])
        self.assertIn(SECRET, texts["cloud_pbx_extensions.conf"])
        self.assertEqual(
            {name: self.mine[field] for field, name in self.text_fields().items()},
            texts,
        )

    @staticmethod
    def text_fields():
        from ..models.provider.dialects.asterisk import TEXT_FIELDS

        return TEXT_FIELDS

    def test_they_are_for_administrators(self):
        for user in (self.anna, self.supervisor):
            own = self.provider.with_user(user)
            with self.assertRaises(AccessError):
                own.asterisk_files()
            with self.assertRaises(AccessError):
                own.read(["asterisk_text_ari"])

    def test_no_export_holds_them(self):
        names = list(self.text_fields())
        [row] = self.mine.export_data(names)["datas"]
        self.assertEqual(set(row), {""})
        described = self.mine.fields_get(names)
        self.assertFalse(any(one["exportable"] for one in described.values()))

    def test_what_is_missing_is_said(self):
        self.provider.login = False
        with self.assertRaises(UserError) as caught:
            self.mine.asterisk_files()
        self.assertIn("ARI user", str(caught.exception))
        self.assertFalse(self.mine.asterisk_text_ari)

    def test_another_server_type_has_none(self):
        zadarma = self.new_provider(self.company, self.robot, "other")
        with self.assertRaises(UserError):
            zadarma.with_user(self.admin).asterisk_files()
        self.assertFalse(zadarma.asterisk_text_ari)

    def test_by_rpc(self):
        self.authenticate(self.admin.login, self.admin.login)
        texts = self.make_jsonrpc_request(
            "/web/dataset/call_kw",
            {
                "model": "pbx.provider",
                "method": "asterisk_files",
                "args": [self.provider.ids],
                "kwargs": {},
            },
        )
        self.assertEqual(set(texts), NAMES)

    def test_the_download(self):
        self.authenticate(self.admin.login, self.admin.login)
        action = self.mine.action_asterisk_download()
        response = self.url_open(action["url"])
        self.assertEqual(response.headers["Content-Type"], "application/zip")
        self.assertEqual(response.headers["Cache-Control"], "no-store")
        with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
            found = {name: archive.read(name).decode() for name in archive.namelist()}
        self.assertEqual(found, self.mine.asterisk_files())

    def test_nobody_else_downloads_them(self):
        url = f"/pbx/setup/{self.provider.id}/files.zip"
        for user in (self.anna, self.supervisor):
            self.authenticate(user.login, user.login)
            self.assertEqual(self.url_open(url).status_code, 404)
        self.authenticate(None, None)
        response = self.url_open(url, allow_redirects=False)
        self.assertIn(response.status_code, (303, 403, 404))
        self.assertNotIn(PASSWORD.encode(), response.content)
        self.authenticate(self.admin.login, self.admin.login)
        self.assertEqual(self.url_open("/pbx/setup/0/files.zip").status_code, 404)


@tagged("post_install", "-at_install")
class TestAsteriskConnect(AsteriskCase):
    def connect(self, wait=10):
        """Press the button; return ``{step: state}`` and what the person is told."""
        self.env.flush_all()
        with (
            # A test's own transaction is never committed.
            patch.object(self.env.cr, "commit", self.env.flush_all),
            patch("odoo.addons.cloud_pbx.models.history.replay.WAIT_SECONDS", wait),
            self.allow_requests(all_requests=True),
            log_lines(),
        ):
            told = self.mine.action_connect()["params"]
        self.env.invalidate_all()
        states = {check.step: check.state for check in self.provider.check_ids}
        return states, told

    def said(self, step):
        row = self.provider.check_ids.filtered(lambda check: check.step == step)
        return row.message

    def test_all_is_well(self):
        states, _told = self.connect()
        self.assertEqual(
            states,
            {"keys": "ok", "extensions": "ok", "events": "ok", "users": "ok"},
            [check.message for check in self.provider.check_ids],
        )
        self.assertEqual(self.ari.replies, [(200, "ok")])
        self.assertEqual(self.provider.state, "connected")
        self.assertFalse(self.provider.last_error)
        self.assertTrue(self.provider.connected_at)
        self.assertFalse(self.provider.url_changed)
        self.assertRecordValues(
            self.provider.extension_ids.sorted("number"),
            [
                {"number": "201", "login": "201", "status": "online"},
                {"number": "202", "login": "202", "status": "offline"},
            ],
        )
        self.assertEqual(self.phone.user_ids, self.anna)
        self.assertTrue(self.provider.asterisk_replayed_at)
        self.assertEqual(self.provider.asterisk_replayed_count, 0)

    def test_again_nothing_is_there_twice(self):
        self.connect()
        extensions = self.provider.extension_ids
        self.ari.endpoints["201"] = "offline"
        states, _told = self.connect()
        self.assertNotIn("failed", states.values())
        self.assertEqual(self.provider.extension_ids, extensions)
        self.assertEqual(self.phone.status, "offline")

    def test_an_extension_may_have_another_number(self):
        self.connect()
        self.phone.write({"number": "301", "login": "201"})
        self.ari.endpoints["reception"] = "online"
        named = self.new_extension("300", self.boris, login="reception")
        states, _told = self.connect()
        self.assertEqual(states["extensions"], "ok", self.said("extensions"))
        self.assertEqual(
            set(self.provider.extension_ids.mapped("number")), {"202", "300", "301"}
        )
        self.assertEqual(named.status, "online")

    def test_what_is_gone_is_marked(self):
        self.connect()
        del self.ari.endpoints["202"]
        states, _told = self.connect()
        self.assertEqual(states["extensions"], "warning")
        self.assertIn("202", self.said("extensions"))
        self.assertEqual(self.provider.state, "connected")

    def test_trunks_are_no_extensions(self):
        self.ari.endpoints["500"] = "online"
        self.provider.asterisk_trunks = "carrier,50*"
        self.connect()
        numbers = self.provider.extension_ids.mapped("number")
        self.assertNotIn("500", numbers)

    def test_files_that_were_put_in_are_not_old(self):
        own = files.version(self.provider._account())
        now = fields.Datetime.now().timestamp()
        self.tell(event="ECHO", id="1.1", leg="1.1", time=f"{now:.3f}", v="0ld0ld00")
        self.assertTrue(self.mine.asterisk_outdated)
        self.ari.tells = replayed(own)
        self.connect()
        self.assertFalse(self.mine.asterisk_outdated)
        # They were not: Asterisk was not told to load them.
        self.ari.tells = replayed("0ld0ld00")
        self.connect()
        self.assertTrue(self.mine.asterisk_outdated)

    def test_a_wrong_password(self):
        self.ari.password = "another"
        states, _told = self.connect()
        self.assertEqual((states["keys"], states["events"]), ("failed", "skipped"))
        self.assertEqual(self.provider.state, "error")
        self.assertIn("ARI user or its password", self.provider.last_error)

    def test_it_is_away(self):
        self.provider.server_url = "http://127.0.0.1:9/ari"
        self.connect()
        self.assertEqual(self.provider.state, "error")
        self.assertIn("cannot be reached", self.provider.last_error)

    def test_it_boots(self):
        self.ari.faults["/asterisk/info"] = (503, b"<h1>Asterisk not booted</h1>")
        self.connect()
        self.assertIn("not booted yet", self.provider.last_error)

    def test_it_is_something_else(self):
        self.ari.faults["/asterisk/info"] = (200, b"<h1>Welcome</h1>")
        self.connect()
        self.assertIn("is not Asterisk's ARI", self.provider.last_error)

    def test_nothing_comes(self):
        self.ari.tells = None
        states, told = self.connect(wait=0.5)
        self.assertEqual(states["keys"], "ok")
        self.assertEqual(states["events"], "failed")
        self.assertEqual(self.provider.state, "error")
        self.assertIn("missing or old", self.provider.last_error)
        self.assertIn("cannot reach", self.provider.last_error)
        self.assertEqual(told["type"], "danger")
        # What was found before stays.
        self.assertIn("202", self.provider.extension_ids.mapped("number"))

    def test_it_is_not_done_yet(self):
        self.ari.tells = None
        self.ari.channels.append("cloud-pbx-replay")
        states, _told = self.connect(wait=0.5)
        self.assertEqual(states["events"], "waiting")
        self.assertEqual(self.provider.state, "draft")
        self.ari.channels.clear()
        self.ari.tells = replayed()
        states, _told = self.connect()
        self.assertEqual(states["events"], "ok")

    def test_there_is_no_such_context(self):
        self.ari.faults["/channels"] = (500, {"error": "Allocation failed"})
        states, _told = self.connect()
        self.assertEqual(states["events"], "failed")
        self.assertIn("missing or old", self.provider.last_error)

    def test_a_replay_is_running_already(self):
        self.ari.faults["/channels"] = (409, {"message": "Channel exists"})

        def tell():
            self.ari._post()

        self.ari.before_fault = tell
        states, _told = self.connect()
        # It was told before anybody answered.
        self.assertEqual(states["events"], "ok")

    def test_while_it_is_inactive(self):
        self.provider.user_id = False
        states, _told = self.connect()
        self.assertEqual(states["events"], "failed")
        self.assertEqual(self.ari.path_count("/channels"), 0)

    def test_disconnecting(self):
        self.connect()
        count = len(self.ari.asked)
        told = self.mine.action_disconnect()["params"]["message"]
        self.assertEqual(self.provider.state, "draft")
        self.assertIn("#include", told)
        self.assertEqual(len(self.ari.asked), count, "nothing is changed there")

    def test_checking_proves_the_address_alone(self):
        self.env.flush_all()
        with self.allow_requests(all_requests=True), log_lines():
            told = self.mine.action_check()["params"]
        self.assertEqual(told["type"], "success", told)
        self.assertEqual(self.provider.state, "draft")
        self.assertFalse(self.provider.last_event_at, "it was our own")

    def test_nothing_secret_is_in_the_log_of_requests(self):
        self.connect()
        self.ari.password = "another"
        dialect, account = self.provider._open_api()
        with self.fails(errors.WrongKey):
            dialect.verify_access(account)
        rows = self.env["pbx.request"].search([("provider_id", "=", self.provider.id)])
        self.assertEqual(len(rows), 5, rows.mapped("path"))
        for row in rows:
            text = json.dumps(row.read()[0], default=str)
            for secret in (PASSWORD, SECRET, self.provider.webhook_token, "Basic "):
                self.assertNotIn(secret, text)


@tagged("post_install", "-at_install")
class TestAsteriskPosts(AsteriskCase):
    START = {
        "event": "start",
        "v": "0",
        "id": "1790000000.1",
        "leg": "1790000000.1",
        "time": "1790000000.100",
        "chan": "PJSIP/carrier-00000001",
        "num": "02079460201",
        "name": "",
        "line": LINE[1:],
    }

    def test_who_calls(self):
        self.new_partner(name='Петрова, "Ольга"')
        response = self.tell(**self.START)
        self.assertEqual(response.status_code, 200)
        self.assertEqual(
            response.json(), {"caller_name": 'Петрова, "Ольга"', "redirect": ""}
        )

    def test_nobody_that_is_known(self):
        self.assertEqual(
            self.tell(**self.START).json(), {"caller_name": "", "redirect": ""}
        )

    def test_not_before_somebody_answers(self):
        self.new_partner()
        self.provider.lookup_on_answer = True
        self.assertEqual(self.tell(**self.START).json()["caller_name"], "")

    def test_everything_signed_is_ok(self):
        for values in (
            {"event": "CHAN_START", "id": "", "leg": ""},
            {"event": "SOMETHING", "id": "1.1", "leg": "1.1", "time": "x"},
            {"event": "HANGUP", "id": "1.1", "leg": "1.1", "extra": "{"},
            {"nothing": "at all"},
            {"event": "X" * 300, "id": "1" * 5000},
        ):
            for _repeat in range(2):
                response = self.tell(**values)
                self.assertEqual((response.status_code, response.text), (200, "ok"))
        self.assertEqual(len(self.events()), 5)

    def test_nothing_else_is(self):
        response = self.tell("another", **self.START)
        self.assertEqual(response.status_code, 403)
        self.assertNotEqual(response.text, "ok")
        self.assertFalse(response.text.startswith("{"))
        url = f"/pbx/asterisk/{self.provider.webhook_token}"
        with log_lines():
            self.assertEqual(self.url_open(url).status_code, 404)
            zadarma = f"/pbx/zadarma/{self.provider.webhook_token}"
            response = self.url_open(zadarma, data=b"x", headers=FORM)
            self.assertEqual(response.status_code, 404)
        self.assertFalse(self.events())

    def test_the_former_secret_for_a_day(self):
        self.tell(**self.START)
        self.provider.api_secret = "another-one"
        self.assertEqual(self.tell(**{**self.START, "id": "2.1"}).status_code, 200)
        self.provider.former_secret_until = fields.Datetime.now() - timedelta(minutes=1)
        self.assertEqual(self.tell(**{**self.START, "id": "3.1"}).status_code, 403)

    # ---------------------------------------------------------- what it says of itself

    def test_older_files_are_noticed(self):
        own = files.version(self.provider._account())
        self.tell(**replayed(own, 3))
        self.assertFalse(self.mine.asterisk_outdated)
        self.assertEqual(self.mine.asterisk_replayed_count, 3)
        self.tell(**replayed("0ld0ld00"))
        self.assertTrue(self.mine.asterisk_outdated)
        self.assertIn("older files", self.mine.hint)
        self.tell(**replayed(own))
        self.assertFalse(self.mine.asterisk_outdated)
        # The other way round: what is installed there is of before.
        self.provider.asterisk_context = "elsewhere"
        self.assertTrue(self.mine.asterisk_outdated)

    def test_a_clock_that_is_off(self):
        late = {**replayed(), "time": f"{float(replayed()['time']) - 600:.3f}"}
        self.tell(**late)
        self.assertIn("off by about 10 minutes", self.mine.hint)
        late["time"] = f"{float(replayed()['time']) - 70:.3f}"
        self.tell(**late)
        self.assertIn("off by about a minute,", self.mine.hint)
        self.tell(**replayed())
        self.assertNotIn("clock", self.mine.hint or "")

    def test_an_outage_is_told_of(self):
        now = fields.Datetime.now()
        call = self.env["pbx.call"].create(
            {
                "provider_id": self.provider.id,
                "company_id": self.company.id,
                "ref": "1.1",
                "start": now - timedelta(hours=3),
                "stop": now - timedelta(hours=2),
                "state": "done",
            }
        )
        self.env["pbx.event"].create(
            {
                "provider_id": self.provider.id,
                "event_type": "HANGUP",
                "ref": call.ref,
                "received_at": now,
                "state": "done",
            }
        )
        self.tell(**replayed(told=20))
        self.assertNotIn("could not reach Odoo", self.mine.hint or "")
        self.tell(**{**replayed(told=21), "leg": "x"})
        self.assertIn("could not reach Odoo", self.mine.hint)
        self.assertIn("21 events", self.mine.hint)
        # The job goes on asking, and there is nothing more.
        self.tell(**{**replayed(told=0), "leg": "y"})
        self.assertEqual(self.mine.asterisk_replayed_count, 0)
        self.assertIn("21 events", self.mine.hint)
        replays = self.env["pbx.replay"]._of(self.provider)
        replays.outage_at -= timedelta(days=2, minutes=1)
        self.env.invalidate_all()
        self.assertNotIn("could not reach Odoo", self.mine.hint or "")

    def test_the_update_keeps_the_last_outage(self):
        replays, now = self.env["pbx.replay"], fields.Datetime.now()
        values = {"provider_id": self.provider.id, "replayed_at": now}
        other = {"provider_id": self.new_asterisk().id, "replayed_at": now}
        row = replays.create({**values, "replayed_count": 21})
        without = replays.create({**other, "replayed_count": 20})
        self.migrate("post-outages")
        self.assertEqual((row.outage_at, row.outage_count), (now, 21))
        self.assertEqual((without.outage_at, without.outage_count), (False, 0))


@tagged("post_install", "-at_install")
class TestAsteriskDial(AsteriskCase):
    def dial(self, number="020 7946 0201"):
        self.env.flush_all()
        calls = self.env["pbx.call"].with_user(self.anna)
        with log_lines():
            call_id = calls.dial(number)
        self.env.invalidate_all()
        return self.env["pbx.call"].browse(call_id)

    def originated(self):
        return [
            query
            for method, path, query in self.ari.asked
            if (method, path) == ("POST", "/channels")
        ]

    def setUp(self):
        super().setUp()
        # The agent's only phone.
        self.extension.user_ids = False

    def test_a_click(self):
        seen = []
        answer = self.ari._create

        def create(web, query):
            # Before the PBX is asked the call is there, under the id that it is given.
            seen.append(
                self.env["pbx.call"].search_count([("ref", "=", query["channelId"])])
            )
            return answer(web, query)

        with patch.object(self.ari, "_create", create):
            call = self.dial()
        self.assertEqual(seen, [1])
        self.assertRegex(call.ref, r"\Aodoo-[\w-]{20,}\Z")
        [asked] = self.originated()
        self.assertEqual(asked["channelId"], call.ref)
        self.assertEqual(asked["endpoint"], "PJSIP/201")
        self.assertEqual(asked["extension"], CALLER[1:])
        self.assertEqual(asked["callerId"], f'"{CALLER[1:]}" <201>')
        self.assertEqual(
            (call.state, call.direction, call.user_id),
            ("ringing", "outbound", self.anna),
        )

    def test_the_number_is_not_the_endpoint(self):
        self.phone.write({"number": "301", "login": "201"})
        self.dial()
        [asked] = self.originated()
        self.assertEqual(asked["endpoint"], "PJSIP/201")
        self.assertTrue(asked["callerId"].endswith("<301>"))

    def test_its_events_are_its_own(self):
        call = self.dial()
        own = {"id": call.ref, "leg": call.ref, "chan": "PJSIP/201-00000001"}
        at = fields.Datetime.now().timestamp()
        self.tell(event="CHAN_START", time=f"{at:.3f}", num="201", exten="s", **own)
        extra = json.dumps({"hangupcause": 19})
        self.tell(event="HANGUP", time=f"{at + 20:.3f}", extra=extra, **own)
        self.tell(event="LINKEDID_END", time=f"{at + 20:.3f}", **own)
        self.assertEqual(self.calls(), call)
        self.assertEqual((call.state, call.outcome), ("done", "cancelled"))
        self.assertEqual(call.user_id, self.anna)

    def test_the_phone_is_offline(self):
        self.ari.endpoints["201"] = "offline"
        with self.fails(UserError) as caught:
            self.dial()
        self.assertIn("not connected", str(caught.exception))
        self.assertFalse(self.originated())

    def test_it_is_not_known_whether_it_is_online(self):
        self.ari.endpoints["201"] = "unknown"
        self.assertEqual(self.dial().state, "ringing")

    def test_it_is_refused(self):
        self.ari.faults["/channels"] = (500, {"error": "Allocation failed"})
        with self.fails(UserError) as caught:
            self.dial()
        self.assertIn("cannot ring your phone", str(caught.exception))
        self.env.invalidate_all()
        self.assertIn("phone was not connected", self.calls().failure_reason)
        self.assertEqual((self.calls().state, self.calls().outcome), ("done", "failed"))

    def test_the_same_id_is_there_already(self):
        self.ari.faults["/channels"] = (409, {"message": "exists"})
        self.assertEqual(self.dial().state, "ringing")

    def test_no_answer_and_it_rings(self):
        self.ari.faults["/channels"] = None
        self.ari.before_fault = lambda: self.ari.channels.append(
            self.originated()[0]["channelId"]
        )
        call = self.dial()
        self.assertEqual(call.state, "ringing")
        self.assertEqual(len(self.originated()), 1, "never twice")
        self.assertFalse(self.doubts(call), "it was asked for, and rings")

    def test_no_answer_and_it_does_not(self):
        self.ari.faults["/channels"] = None
        with self.fails(UserError):
            self.dial()
        self.env.invalidate_all()
        self.assertEqual((self.calls().state, self.calls().outcome), ("done", "failed"))

    def test_no_answer_and_nothing_else(self):
        self.ari.faults["/channels"] = None

        def away():
            channel = self.originated()[0]["channelId"]
            self.ari.faults[f"/channels/{channel}"] = (503, b"x")

        self.ari.before_fault = away
        call = self.dial()
        self.assertEqual(call.state, "ringing")
        self.assertTrue(self.doubts(call))

    @staticmethod
    def doubts(call):
        return [one for one in call.message_ids if "may or may not" in (one.body or "")]

    def test_an_extension_is_dialled(self):
        self.new_extension("202", self.boris)
        call = self.dial("202")
        self.assertEqual(self.originated()[0]["extension"], "202")
        self.assertEqual(CallFacts.from_json(call.facts).events[0].called, "202")

    def test_an_extension_whose_phone_has_another_name_is_dialled(self):
        self.new_extension("204", self.boris, login="reception")
        self.ari.endpoints["reception"] = "online"
        call = self.dial("204")
        at = fields.Datetime.now().timestamp() - 10
        own = {"id": call.ref, "leg": call.ref, "chan": "PJSIP/201-00000001"}
        colleague = {**own, "leg": "1.2", "chan": "PJSIP/reception-00000002"}
        bridge = {"extra": json.dumps({"bridge_id": "one"})}
        over = {"extra": json.dumps({"hangupcause": 16})}
        for second, event, leg in (
            (0, "CHAN_START", {**own, "num": "201", "exten": "s"}),
            (1, "ANSWER", own),
            (1, "CHAN_START", {**colleague, "num": "204", "exten": "s"}),
            (2, "ANSWER", colleague),
            (2, "BRIDGE_ENTER", {**colleague, **bridge}),
            (2, "BRIDGE_ENTER", {**own, **bridge}),
            (6, "HANGUP", {**colleague, **over}),
            (6, "HANGUP", {**own, **over}),
            (6, "LINKEDID_END", own),
        ):
            self.tell(event=event, time=f"{at + second:.3f}", **leg)
        self.assertCall(
            call, direction="internal", outcome="answered", number="204", talk_seconds=4
        )
        self.assertEqual(call.participant_ids, self.anna + self.boris)
        self.assertEqual(call.with_user(self.anna).colleague_name, self.boris.name)


@tagged("post_install", "-at_install")
class TestAsteriskInside(AsteriskCase):
    def test_who_calls_a_colleague_is_told_whom(self):
        """The colleague's phone is named by the second event: the card is read anew."""
        self.new_extension("202", self.boris)
        at, leg = fields.Datetime.now().timestamp(), "1790000002.1"
        own = {"id": leg, "leg": leg, "chan": "PJSIP/201-00000001"}
        self.tell(event="CHAN_START", time=f"{at:.3f}", num="201", exten="202", **own)
        self.env["bus.bus"].search([]).unlink()
        rings = {"id": leg, "leg": "1790000002.2", "chan": "PJSIP/202-00000002"}
        self.tell(event="CHAN_START", time=f"{at:.3f}", num="202", exten="s", **rings)
        call = self.the_call()
        self.assertEqual(call.direction, "internal")
        self.assertEqual(call.with_user(self.anna).colleague_name, self.boris.name)
        told = " ".join(self.env["bus.bus"].search([]).mapped("channel"))
        for user in (self.anna, self.boris):
            self.assertIn(f'"res.partner",{user.partner_id.id}]', told)

    def test_a_number_is_inside_though_its_phone_has_another_name(self):
        """Before anything rings, too."""
        self.new_extension("204", self.boris, login="reception")
        own = {"id": "1.1", "leg": "1.1", "chan": "PJSIP/201-00000001"}
        self.tell(event="CHAN_START", time="1790000000.000", exten="204", **own)
        self.assertEqual(self.the_call().direction, "internal")

    def test_a_phone_that_nobody_entered_is_offered_by_its_name(self):
        self.provider.asterisk_trunks = "carrier"
        own = {"id": "1.1", "leg": "1.1", "chan": "PJSIP/reception-00000001"}
        self.tell(event="CHAN_START", time="1790000000.000", exten="201", **own)
        call = self.the_call()
        self.assertEqual(call.unknown_extensions, "reception")
        context = call.action_create_extensions()["context"]
        with Form(
            self.env["pbx.extension"].with_user(self.admin).with_context(**context)
        ) as form:
            form.number = "204"
        entered = form.record
        self.assertEqual((entered.number, entered.login), ("204", "reception"))
        self.assertEqual(call.leg_ids.extension_id, entered)
        self.assertFalse(call.unknown_extensions)

    def test_a_phone_of_another_technology_is_one_of_ours(self):
        """Where trunks are named, and where it is entered by that name."""
        for trunks, login in (("carrier", False), (False, "SIP/204")):
            with self.subTest(trunks=trunks):
                self.provider.asterisk_trunks = trunks
                if login:
                    self.new_extension("204", self.boris, login=login)
                leg = f"1.{len(self.events())}"
                phone = {"id": leg, "leg": leg, "chan": "SIP/204-00000001"}
                self.tell(
                    event="CHAN_START", time="1790000000.000", exten="201", **phone
                )
                call = self.env["pbx.call"].search([("ref", "=", leg)])
                self.assertEqual(call.direction, "internal")
                self.assertEqual(call.leg_ids.mapped("number"), ["SIP/204"])
                self.assertEqual(call.user_id == self.boris, bool(login))

    def test_who_dials_misses_nothing(self):
        """The other one is busy, outside or a colleague: so is the phone that dials."""
        self.new_extension("202", self.boris)
        busy = {"extra": json.dumps({"hangupcause": 17})}
        for call_id, dialled, other, missed in (
            ("1.1", "02079460203", "PJSIP/carrier-00000002", []),
            ("2.1", "202", "PJSIP/202-00000002", ["202"]),
        ):
            anna = {"id": call_id, "leg": call_id, "chan": "PJSIP/201-00000001"}
            rings = {"id": call_id, "leg": f"{call_id}2", "chan": other}
            for place, (event, who, more) in enumerate(
                (
                    ("CHAN_START", anna, {"num": "201", "exten": dialled}),
                    ("CHAN_START", rings, {"exten": "s"}),
                    ("HANGUP", rings, busy),
                    ("HANGUP", anna, busy),
                )
            ):
                self.tell(event=event, time=f"{1790000000 + place}.000", **who, **more)
            call = self.env["pbx.call"].search([("ref", "=", call_id)])
            self.assertEqual(call.outcome, "busy")
            legs = call.leg_ids.filtered(lambda leg: leg.outcome == "missed")
            self.assertEqual(legs.mapped("number"), missed)

    def test_who_hands_a_call_on_sees_that_it_is_over_for_him(self):
        self.new_extension("202", self.boris)
        at, leg = fields.Datetime.now().timestamp() - 30, "1790000003.1"
        line = {"id": leg, "leg": leg, "chan": "PJSIP/carrier-00000001"}
        anna = {"id": leg, "leg": "1790000003.2", "chan": "PJSIP/201-00000002"}
        boris = {"id": leg, "leg": "1790000003.3", "chan": "PJSIP/202-00000003"}
        bridge = {"extra": json.dumps({"bridge_id": "one"})}

        def state_for(user):
            desk = self.env["pbx.desk"].with_user(user)
            [card] = desk.cards(self.the_call().ids)["cards"]
            return card["state"]

        for place, (event, who, more) in enumerate(
            (
                ("CHAN_START", line, {"num": "02079460203", "exten": "1000"}),
                ("CHAN_START", anna, {"exten": "s"}),
                ("BRIDGE_ENTER", anna, bridge),
                ("BRIDGE_ENTER", line, bridge),
            )
        ):
            self.tell(event=event, time=f"{at + place:.3f}", **who, **more)
        self.assertEqual(state_for(self.anna), "ongoing")
        self.tell(event="CHAN_START", time=f"{at + 5:.3f}", exten="s", **boris)
        self.env["bus.bus"].search([]).unlink()
        self.tell(event="BRIDGE_EXIT", time=f"{at + 6:.3f}", **anna, **bridge)
        told = " ".join(self.env["bus.bus"].search([]).mapped("channel"))
        self.assertIn(f'"res.partner",{self.anna.partner_id.id}]', told)
        self.assertEqual(state_for(self.anna), "done")
        self.assertEqual(state_for(self.boris), "ringing")

    def test_the_card_goes_when_the_voicemail_lifts(self):
        at, leg = fields.Datetime.now().timestamp() - 30, "1790000005.1"
        line = {"id": leg, "leg": leg, "chan": "PJSIP/carrier-00000001"}
        anna = {"id": leg, "leg": "1790000005.2", "chan": "PJSIP/201-00000002"}
        silent = {"extra": json.dumps({"hangupcause": 0})}

        def state():
            desk = self.env["pbx.desk"].with_user(self.anna)
            [card] = desk.cards(self.the_call().ids)["cards"]
            return card["state"]

        self.tell(event="CHAN_START", time=f"{at:.3f}", num="02079460203", **line)
        self.tell(event="CHAN_START", time=f"{at:.3f}", exten="s", **anna)
        self.assertEqual(state(), "ringing")
        self.tell(event="HANGUP", time=f"{at + 9:.3f}", **anna, **silent)
        self.assertEqual(state(), "ringing", "another phone may ring next")
        self.env["bus.bus"].search([]).unlink()
        self.tell(event="ANSWER", time=f"{at + 9:.3f}", **line)
        self.assertEqual(state(), "done")
        told = " ".join(self.env["bus.bus"].search([]).mapped("channel"))
        self.assertIn(f'"res.partner",{self.anna.partner_id.id}]', told)
        self.assertEqual(self.the_call().state, "ringing", "nobody has spoken")

    def test_who_was_only_called_stays_when_the_caller_leaves(self):
        """Anna calls Boris, and gives him to a third phone."""
        self.new_extension("202", self.boris)
        self.new_extension("203", self.supervisor)
        at, call_id = fields.Datetime.now().timestamp() - 30, "1790000004.1"
        anna, boris, third = (
            {"id": call_id, "leg": leg, "chan": f"PJSIP/{phone}-0000000{place}"}
            for place, (leg, phone) in enumerate(
                ((call_id, "201"), ("1790000004.2", "202"), ("1790000004.3", "203"))
            )
        )
        first, second = (
            {"extra": json.dumps({"bridge_id": name})} for name in ("one", "two")
        )
        for place, (event, who, more) in enumerate(
            (
                ("CHAN_START", anna, {"num": "201", "exten": "202"}),
                ("CHAN_START", boris, {"exten": "s"}),
                ("ANSWER", boris, {}),
                ("BRIDGE_ENTER", boris, first),
                ("BRIDGE_ENTER", anna, first),
                ("BRIDGE_EXIT", anna, first),
                ("HANGUP", anna, {"extra": json.dumps({"hangupcause": 16})}),
                ("BRIDGE_EXIT", boris, first),
                ("CHAN_START", third, {"exten": "s"}),
                ("ANSWER", third, {}),
                ("BRIDGE_ENTER", third, second),
                ("BRIDGE_ENTER", boris, second),
            )
        ):
            self.tell(event=event, time=f"{at + place:.3f}", **who, **more)

        def state_for(user):
            desk = self.env["pbx.desk"].with_user(user)
            return [card["state"] for card in desk.cards(self.the_call().ids)["cards"]]

        self.assertEqual(self.the_call().user_id, self.anna)
        self.assertEqual(state_for(self.anna), ["done"])
        self.assertEqual(state_for(self.boris), ["ongoing"])
        self.assertEqual(state_for(self.supervisor), ["ongoing"])


@tagged("post_install", "-at_install")
class TestAsteriskTransfers(AsteriskCase):
    """A transfer while the second phone rings: Asterisk names no target then."""

    def transfer(self, at):
        """Tell of one that began ``at``, to a call of which nothing else was told."""
        first, consulted = f"{at}.1", f"{at}.3"
        line = {"id": first, "leg": first, "chan": "PJSIP/carrier-00000001"}
        anna = {"id": first, "leg": f"{at}.2", "chan": "PJSIP/201-00000002"}
        asking = {"id": consulted, "leg": consulted, "chan": "PJSIP/201-00000003"}
        target = {
            "channel2_uniqueid": consulted,
            "transferee_channel_uniqueid": first,
            "transfer_target_channel_uniqueid": "N/A",
        }
        for place, (event, who, more) in enumerate(
            (
                ("CHAN_START", line, {"num": CALLER, "exten": LINE[1:]}),
                ("CHAN_START", anna, {"exten": "s"}),
                ("CHAN_START", asking, {"num": "201", "exten": "202"}),
                ("ATTENDEDTRANSFER", anna, {"extra": json.dumps(target)}),
            )
        ):
            self.tell(event=event, time=f"{at + place}.000", **who, **more)

    def test_each_one_is_a_call_of_its_own(self):
        for at in (1790000000, 1790001000, 1790002000):
            self.transfer(at)
        calls = self.env["pbx.call"].search([("provider_id", "=", self.provider.id)])
        self.assertEqual(
            sorted(calls.mapped("ref")),
            ["1790000000.1", "1790001000.1", "1790002000.1"],
        )
        self.assertEqual(set(calls.mapped("number")), {CALLER})

    def test_the_update_forgets_what_joined_them(self):
        self.tell(
            event="CHAN_START",
            id="1.1",
            leg="1.1",
            time="1790000000.000",
            chan="PJSIP/carrier-00000001",
        )
        call, refs = self.the_call(), self.env["pbx.call.ref"]
        names = {"provider_id": self.provider.id, "call_id": call.id}
        refs.create([{**names, "ref": "N/A"}, {**names, "ref": "1.2"}])
        self.migrate("post-refs")
        kept = refs.search([("call_id", "=", call.id)]).mapped("ref")
        self.assertEqual(kept, ["1.2"])


@tagged("post_install", "-at_install")
class TestAsteriskRecordings(AsteriskCase):
    EMPTY = b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0" + b"\0" * 16 + b"data"

    def setUp(self):
        super().setUp()
        self.provider.write({"state": "connected", "connected_at": "2026-01-01"})
        at, leg = fields.Datetime.now().timestamp() - 60, "1790000000.1"
        own = {"id": leg, "leg": leg, "chan": "PJSIP/carrier-00000001"}
        for place, (event, more) in enumerate(
            (
                ("CHAN_START", {"num": "02079460201", "exten": "1000"}),
                ("RECORDING", {"extra": json.dumps({"extra": leg})}),
                ("HANGUP", {"extra": json.dumps({"hangupcause": 16})}),
                ("LINKEDID_END", {}),
            )
        ):
            self.tell(event=event, time=f"{at + place:.3f}", **own, **more)
        self.leg = leg

    def test_not_before_the_call_is_over(self):
        at, leg = fields.Datetime.now().timestamp(), "1790000001.1"
        own = {"id": leg, "leg": leg, "chan": "PJSIP/carrier-00000002"}
        extra = json.dumps({"extra": leg})
        self.tell(event="CHAN_START", time=f"{at:.3f}", num="02079460202", **own)
        self.tell(event="RECORDING", time=f"{at + 1:.3f}", extra=extra, **own)
        recording = self.env["pbx.recording"].search([("ref", "=", leg)])
        self.assertEqual(recording.state, "waiting")
        self.assertFalse(recording.next_attempt_at, "it grows")
        recording.action_fetch()
        self.assertFalse(recording.next_attempt_at, "by hand neither")
        hangup = json.dumps({"hangupcause": 16})
        self.tell(event="HANGUP", time=f"{at + 60:.3f}", extra=hangup, **own)
        self.tell(event="LINKEDID_END", time=f"{at + 60:.3f}", **own)
        self.assertTrue(recording.next_attempt_at)
        self.ari.files[leg] = self.EMPTY + b"\x01\x02" * 400
        with log_lines():
            self.run_job("fetch_recordings")
        self.assertEqual(recording.state, "waiting", "a moment after its end")

    def fetch(self):
        self.env.cr.execute(
            """UPDATE pbx_recording
                  SET next_attempt_at = now() at time zone 'UTC' - interval '1 min'
                WHERE state = 'waiting'"""
        )
        with log_lines():
            self.run_job("fetch_recordings")
        return self.the_call().recording_ids

    def test_what_was_recorded_while_it_rang_in_vain_is_no_voicemail(self):
        """The lines for the dialplan record before anybody is called."""
        call = self.the_call().with_user(self.supervisor)
        self.assertEqual((call.outcome, len(call.recording_ids)), ("missed", 1))
        self.assertFalse(call.voicemail_id)
        own = {"id": self.leg, "leg": self.leg, "chan": "PJSIP/carrier-00000001"}
        at = call.start.timestamp() + 1
        self.tell(event="ANSWER", time=f"{at:.3f}", **own)
        self.assertEqual(call.outcome, "missed")
        self.assertEqual(call.voicemail_id, call.recording_ids, "the PBX lifted")

    def test_a_recording(self):
        [recording] = self.the_call().recording_ids
        self.assertEqual((recording.ref, recording.state), (self.leg, "waiting"))
        self.assertEqual(self.fetch().state, "waiting", "404")
        empty = (self.EMPTY + b"\0" * 44)[:44]
        self.ari.files[self.leg] = empty
        self.assertEqual(self.fetch().state, "waiting", "only a head")
        self.ari.files[self.leg] = empty + b"\x01\x02" * 400
        recording = self.fetch()
        self.assertEqual((recording.state, recording.mimetype), ("stored", "audio/wav"))
        self.assertEqual(recording.size, 844)

    def test_how_long_it_is_the_file_says(self):
        """No event does."""
        [recording] = self.the_call().recording_ids
        self.assertEqual(recording.talk_seconds, 0)
        into = io.BytesIO()
        with wave.open(into, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(b"\1\2" * 8000 * 3)
        self.ari.files[self.leg] = into.getvalue()
        recording = self.fetch()
        self.assertEqual((recording.state, recording.talk_seconds), ("stored", 3))
        call = self.the_call().with_user(self.supervisor)
        self.assertEqual((call.voicemail_id, call.voicemail_seconds), (recording, 3))

    def test_links_are_not_given(self):
        self.provider.recording_mode = "link"
        self.ari.files[self.leg] = (self.EMPTY + b"\0" * 844)[:844]
        self.assertEqual(self.fetch().state, "stored")


@tagged("post_install", "-at_install")
class TestAsteriskReplay(AsteriskCase):
    OWN = {"id": "1790000000.1", "leg": "1790000000.1", "chan": "PJSIP/carrier-1"}

    def fetch(self, wait=10):
        """Press “Fetch now”; return what the person is told."""
        self.env.flush_all()
        with (
            # A test's own transaction is never committed.
            patch.object(self.env.cr, "commit", self.env.flush_all),
            patch("odoo.addons.cloud_pbx.models.history.replay.WAIT_SECONDS", wait),
            self.allow_requests(all_requests=True),
            log_lines(),
        ):
            told = self.mine.action_fetch_history()["params"]
        self.env.invalidate_all()
        return told

    def replays(self):
        return [
            query
            for _method, _path, query in self.ari.asked
            if query.get("channelId") == "cloud-pbx-replay"
        ]

    def begin(self, seconds_ago):
        at = fields.Datetime.now().timestamp() - seconds_ago
        self.tell(event="CHAN_START", time=f"{at:.3f}", num="", exten="1", **self.OWN)
        call = self.the_call()
        self.env.cr.execute(
            "UPDATE pbx_call SET last_event_at = %s WHERE id = %s",
            [fields.Datetime.now() - timedelta(seconds=seconds_ago), call.id],
        )
        self.env.invalidate_all()
        return call

    def test_what_was_kept(self):
        self.ari.tells = replayed(told=3)
        told = self.fetch()
        self.assertEqual(told["type"], "success")
        self.assertIn("3 events", told["message"])
        self.assertEqual(self.provider.asterisk_replayed_count, 3)

    def test_its_end_is_not_told(self):
        self.ari.tells = None
        told = self.fetch(wait=0.5)
        self.assertIn("continues automatically", told["message"])

    def test_it_is_away(self):
        self.ari.faults["/channels"] = (503, b"x")
        self.assertEqual(self.fetch()["type"], "danger")

    def test_a_call_of_which_nothing_is_left(self):
        call = self.begin(120)
        self.fetch()
        self.assertEqual((call.state, call.outcome), ("done", "missed"))

    def test_one_that_goes_on_stays(self):
        call = self.begin(120)
        self.ari.channels.append("1790000000.1")
        self.fetch()
        self.assertEqual(call.state, "ringing")

    def test_one_of_which_something_was_told_just_now_stays(self):
        call = self.begin(10)
        self.fetch()
        self.assertEqual(call.state, "ringing")

    def test_the_job_asks_those_that_are_connected(self):
        self.ari.tells = None
        with patch("odoo.addons.cloud_pbx.models.history.replay.WAIT_SECONDS", 0.1):
            with log_lines():
                self.run_job("replay")
            self.assertFalse(self.replays())
            self.provider.write({"state": "connected", "connected_at": "2026-01-01"})
            with log_lines():
                self.run_job("replay")
        self.assertEqual(len(self.replays()), 1)

    def test_events_that_were_held_back_wake_it(self):
        job = self.env.ref("cloud_pbx.ir_cron_replay")
        triggers = self.env["ir.cron.trigger"]
        domain = [("cron_id", "=", job.id)]
        before = triggers.search_count(domain)
        for place, down in enumerate(("", "0", *["1790000000"] * 4)):
            at = f"1790000000.{place}"
            self.tell(event="CHAN_START", time=at, down=down, **self.OWN)
        # At once, and once more for what was held back since.
        found = triggers.search(domain, order="call_at")[before:]
        now, later = found.mapped("call_at")
        self.assertLess((now - fields.Datetime.now()).total_seconds(), 1)
        self.assertGreater((later - now).total_seconds(), 10)

    def test_what_lets_events_through_again_wakes_it(self):
        job = self.env.ref("cloud_pbx.ir_cron_replay")
        domain = [("cron_id", "=", job.id)]
        for values, is_woken in (
            ({"name": "Another"}, False),
            ({"api_secret": "another"}, True),
            ({"active": False}, True),
            ({"active": True}, True),
            ({"asterisk_context": "another"}, True),
            ({"webhook_token": "another"}, True),
        ):
            with self.subTest(values):
                before = self.env["ir.cron.trigger"].search_count(domain)
                self.provider.write(values)
                after = self.env["ir.cron.trigger"].search_count(domain)
                self.assertEqual(after > before, is_woken)

    def test_new_files_wake_it(self):
        job = self.env.ref("cloud_pbx.ir_cron_replay")
        triggers, domain = self.env["ir.cron.trigger"], [("cron_id", "=", job.id)]
        before = triggers.search_count(domain)
        start = {**self.OWN, "event": "start", "line": "1"}
        for place, (version, count) in enumerate((("a", 1), ("a", 1), ("b", 2))):
            pbx_replay._Heard.asked_at.clear()
            # Another process, or this one after a while.
            pbx_replay._Heard.reports_until.clear()
            at = fields.Datetime.now().timestamp() + place / 1000
            self.tell(time=f"{at:.3f}", v=version, **start)
            self.assertEqual(triggers.search_count(domain) - before, count)

    def test_first_events_of_a_process_that_come_at_once(self):
        """Who finds that the reports were read finds the reports."""
        heard = pbx_replay._Heard

        class Until(dict):
            def __setitem__(marks, provider_id, until):
                self.assertIn(provider_id, heard.reports)
                dict.__setitem__(marks, provider_id, until)

        with patch.object(heard, "reports_until", Until()) as until:
            for _time in range(2):
                known = self.env["pbx.replay"]._known_reports(self.provider.id)
                self.assertEqual(known, {})
            self.assertIn(self.provider.id, until)


@tagged("post_install", "-at_install")
class TestAsteriskDaily(AsteriskCase):
    def test_one_question_tells_who_is_online(self):
        self.new_extension("202", self.boris)
        gone = self.new_extension("203", self.boris)
        self.provider.write({"state": "connected", "connected_at": "2026-01-01"})
        with log_lines():
            self.provider._refresh()
        self.assertEqual(self.ari.path_count("/endpoints"), 1)
        self.assertEqual(self.phone.status, "online")
        self.assertEqual(gone.status, "unknown")
        self.assertTrue(re.search("accepts", self.provider.check_ids[:1].message))


@tagged("post_install", "-at_install")
class TestAsteriskSilence(AsteriskCase):
    """Nothing is reported for long while Asterisk has channels."""

    def setUp(self):
        super().setUp()
        long_ago = fields.Datetime.now() - timedelta(hours=3)
        self.company.resource_calendar_id = False
        self.provider.write({"state": "connected", "connected_at": long_ago})
        own = {"id": "1.1", "time": f"{long_ago.timestamp():.3f}", "exten": "1"}
        half = {"chan": "Local/201@queue-00000001;1", "leg": "1.2"}
        bridge = json.dumps({"bridge_id": "one"})
        line = {"chan": "PJSIP/carrier-00000001", "leg": "1.1"}
        self.tell(event="CHAN_START", **own, **line)
        self.tell(event="BRIDGE_ENTER", extra=bridge, **own, **line)
        self.tell(event="BRIDGE_ENTER", extra=bridge, **own, **half)
        self.events().received_at = long_ago

    def listen(self):
        self.env.flush_all()
        with self.allow_requests(all_requests=True), log_lines():
            self.provider._check_silence()
        self.env.invalidate_all()
        return self.provider.activity_search(["cloud_pbx.activity_type_silence"])

    def test_a_long_talk_that_the_log_has_is_no_silence(self):
        self.ari.channels += ["1.1", "1.2"]
        self.assertFalse(self.listen())
        self.assertEqual(self.ari.path_count("/channels"), 1)

    def test_a_call_that_the_log_has_not_is(self):
        self.ari.channels += ["1.1", "9.1"]
        [reminder] = self.listen()
        self.assertIn("has calls now that it did not report", reminder.note)
        self.assertNotIn("in the log", reminder.note)

    def test_neither_is_one_that_is_over_in_the_log(self):
        self.the_call().state = "done"
        self.ari.channels += ["1.1", "1.2"]
        self.assertTrue(self.listen())
