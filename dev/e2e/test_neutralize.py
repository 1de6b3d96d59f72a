"""A copy of a database that Odoo itself neutralized is no part of the real phone.

The database is really connected, to all three kinds of PBX, and everything is due:
the copy asks none of them, takes no event of theirs, and writes no mail.
"""

import contextlib
import re
from dataclasses import dataclass, field

import log
import posting
import pytest
from door import Door
from exchange import Exchange

from lib import beeline_pbx
from lib import pbx as introduction
from lib.rpc import Login, OdooError
from lib.terminal import run
from server import Odoo
from telephony.asterisk import signature
from telephony.zadarma.signature import sign_event

pytestmark = pytest.mark.after_tests

COPY = "e2e_neutralized"
CALLER = "+442079460266"
FORMER = "of-yesterday"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
XML = {"Content-Type": "application/xml; charset=UTF-8"}
# Everything is due, and what was let in waits to be applied.
DUE = """
    update pbx_subscription set renew_at = now() - interval '1 hour';
    update pbx_provider set refreshed_at = null, recording_mode = 'store',
           former_secret = 'of-yesterday',
           former_secret_until = now() + interval '1 day';
    update pbx_extension set checked_at = null, password = 'of-a-phone';
    update pbx_event set state = 'pending', next_attempt_at = null, attempts = 0
     where payload is not null;
    insert into pbx_recording (call_id, provider_id, ref, state, next_attempt_at, start)
    select distinct on (provider_id) id, provider_id, 'rec', 'waiting',
           now() - interval '1 hour', start from pbx_call;
    insert into pbx_recording
           (call_id, provider_id, ref, state, link, link_until, start)
    select distinct on (provider_id) id, provider_id, 'link', 'linked',
           'http://127.0.0.1:9/secret', now() + interval '1 day', start from pbx_call;
    insert into pbx_history (provider_id, kind, start, stop, state)
    select id, 'import', now() - interval '9 days', now(), 'waiting' from pbx_provider;
    insert into pbx_chatter (call_id) select id from pbx_call;
    insert into pbx_former_url (provider_id, url, at)
    select id, 'https://elsewhere.example.com/pbx', now() from pbx_provider;
    update pbx_call set lead_after = now() - interval '1 hour',
           start = start - interval '1 day', stop = stop - interval '1 day';
    update res_company set pbx_report = 'daily', pbx_report_day = current_date - 9;
"""
MAILS = "select count(*), max(id) from mail_mail"
SECRETS = """
    select count(*) from pbx_provider
     where num_nonnulls(api_key, api_secret, former_secret, connected_url) > 0"""


@dataclass
class Watched:
    """A copy, and what stands before the three PBXs.

    :var doors: by dialect; `urls` the original's webhook addresses, `secrets` the keys
        of its signatures, `users` who has a phone there.
    :var mails: how many there were before anything was done with the copy.
    """

    odoo: Odoo
    doors: dict[str, Door]
    urls: dict[str, str]
    secrets: dict[str, str]
    users: dict[str, str]
    beeline_body: str
    mails: list = field(default_factory=list)
    admin: Login = field(init=False)

    def events(self):
        """{dialect: (headers, body)}: proven to the original."""
        fields = {
            "event": "NOTIFY_START",
            "caller_id": CALLER,
            "called_did": "44207",
            "call_start": "2026-01-01 10:00:00",
            "pbx_call_id": "in_1",
        }
        proof = sign_event("NOTIFY_START", fields, self.secrets["zadarma"])
        text = b"event=CHAN_START&id=1.1&leg=1.1&time=1.1"
        return {
            "zadarma": ({"Signature": proof}, fields),
            "beeline": (XML, self.beeline_body),
            "asterisk": (FORM, signature.signed(text, self.secrets["asterisk"])),
        }

    @staticmethod
    def answered(url, sent):
        headers, body = sent
        with posting.session() as client:
            return client.post(url, data=body, headers=headers, timeout=60).status_code

    def here(self, url):
        """The same path at the copy."""
        return self.odoo.url + "/pbx/" + url.partition("/pbx/")[2]

    def run_all_jobs(self):
        """Run each job of the addon, as whoever presses “Run Manually”."""
        names = self.odoo.sql(
            "select name from ir_model_data where module = 'cloud_pbx'"
            " and model = 'ir.cron'"
        )
        assert len(names) > 15
        for [name] in names:
            assert log.run_job(self.admin, name) is True

    def asked(self):
        return [
            (name, asked.path)
            for name, door in self.doors.items()
            for asked in door.seen
        ]

    def counts(self):
        [row] = self.odoo.sql(
            "select (select count(*) from pbx_event), (select count(*) from pbx_call)"
        )
        return row


@pytest.fixture(scope="module")
def copy(instance, servers, asterisk, tmp_path_factory):
    python = instance.tools.venv.python
    with contextlib.ExitStack() as stack:
        folder = tmp_path_factory.mktemp("exchange")
        exchange = stack.enter_context(Exchange.started(folder, asterisk, servers))
        odoo, admin = exchange.odoo, exchange.admin
        zadarma, known = introduction.introduce(
            odoo, python, instance.folder / "copied-zadarma.log", admin=admin
        )
        stack.callback(zadarma.stop)
        beeline, entered = beeline_pbx.introduce(
            odoo, python, instance.folder / "copied-beeline.log", admin
        )
        stack.callback(beeline.stop)
        doors = {"asterisk": exchange.ari}
        for name, pbx, provider, path in (
            ("zadarma", zadarma, known, ""),
            ("beeline", beeline, entered, "/apis/portal"),
        ):
            doors[name] = door = Door(pbx.port)
            stack.callback(door.shut)
            address = {"server_url": door.url + path}
            admin.call("pbx.provider", "write", [provider["id"]], address)
            admin.call("pbx.provider", "action_connect", [provider["id"]])
        states = odoo.sql("select dialect, state from pbx_provider where active")
        assert dict(states) == dict.fromkeys(doors, "connected")
        for pbx in (zadarma, beeline):
            pbx.play("missed", caller=CALLER)
        rows = odoo.sql(
            "select dialect, webhook_token, api_secret from pbx_provider where active"
        )
        [live] = beeline.get("/control/subscriptions")
        wanted = {"scenario": "missed", "caller": CALLER}
        wanted["subscription"] = live["subscriptionId"]
        rendered = beeline.post("/control/render", wanted)
        watched = Watched(
            odoo,
            doors,
            {name: f"{odoo.url}/pbx/{name}/{token}" for name, token, _secret in rows},
            {name: secret for name, _token, secret in rows},
            {"zadarma": "admin", "beeline": "abonent101", "asterisk": "agent201"},
            rendered["events"][0]["body"],
        )
        # They are what the original takes, and it asks all three.
        for name, sent in watched.events().items():
            assert watched.answered(watched.urls[name], sent) == 200
        assert {name for name, _path in watched.asked()} == doors.keys()
        odoo.sql("update ir_cron set active = false")
        odoo.sql("update res_partner set email = 'all@example.com'")
        [company] = odoo.sql("select min(company_id) from pbx_call")[0]
        admin.call("res.company", "action_pbx_send_report", [company])
        odoo.sql("update ir_cron set active = true")
        odoo.stop()
        odoo.sql(DUE)
        exchange.lab.stop()  # it would post what the original does not take
        instance.clone(COPY, odoo.database)
        stack.callback(instance.drop, COPY)
        log_file = instance.folder / f"{COPY}.log"
        run(
            instance.odoo_command("neutralize", "-c", instance.conf, "-d", COPY),
            log=log_file,
            failing="The copy could not be neutralized.",
            env=instance.environment(),
            cwd="/",
        )
        for door in doors.values():
            door.seen.clear()
        watched.odoo = Odoo(instance, COPY, log=log_file)
        watched.odoo.start()
        stack.callback(watched.odoo.kill)
        watched.admin = watched.odoo.login("admin")
        watched.mails = watched.odoo.sql(MAILS)
        yield watched


def test_it_is_quiet(copy):
    """Nothing of the original's is left that opens anything, nor is anything sent."""
    assert copy.odoo.sql(SECRETS) == [(0,)]
    for table in ("pbx_former_url", "pbx_subscription", "pbx_chatter"):
        assert copy.odoo.sql(f"select count(*) from {table}") == [(0,)]
    assert not copy.odoo.sql("select 1 from pbx_extension where password is not null")
    assert not copy.odoo.sql("select 1 from pbx_recording where link is not null")
    tokens = copy.odoo.sql("select webhook_token from pbx_provider")
    assert all(re.fullmatch("[0-9a-f]{64}", token) for [token] in tokens)
    copy.run_all_jobs()
    assert copy.asked() == []
    assert copy.odoo.sql(MAILS) == copy.mails
    [[ours]] = copy.odoo.sql(
        "select count(*) from mail_mail mail join mail_message on mail_message.id ="
        " mail_message_id where mail.state in ('outgoing', 'exception')"
        " and (subject like '%phone report%' or model like 'pbx.%')"
    )
    assert ours == 0


def test_its_old_addresses_are_gone(copy):
    before = copy.counts()
    for name, sent in copy.events().items():
        assert copy.answered(copy.here(copy.urls[name]), sent) == 404
    assert copy.counts() == before


def test_taken_from_the_archive_it_still_knows_no_pbx(copy):
    """Until somebody enters keys, whoever presses what."""
    domain = [("active", "=", False)]
    providers = copy.admin.call("pbx.provider", "search", domain)
    copy.admin.call("pbx.provider", "write", providers, {"active": True})
    copy.odoo.sql("update ir_cron set active = true where id in (select res_id"
                  " from ir_model_data where module = 'cloud_pbx'"
                  " and model = 'ir.cron')")  # fmt: skip
    copy.run_all_jobs()
    buttons = ("action_connect", "action_check", "action_fetch_history",
               "action_disconnect")  # fmt: skip
    for provider in providers:
        for button in buttons:
            with contextlib.suppress(OdooError):
                copy.admin.call("pbx.provider", button, [provider])
    assert copy.users.keys() == copy.doors.keys()
    for user in copy.users.values():
        desk = copy.admin if user == "admin" else copy.odoo.login(user)
        with pytest.raises(OdooError, match="Enter this first|accept Odoo's key"):
            desk.call("pbx.call", "dial", "+442079460277")
    recordings = copy.admin.call("pbx.recording", "search", [])
    for recording in recordings:
        with contextlib.suppress(OdooError, OSError):
            copy.admin.get(f"/pbx/recording/{recording}")
        with contextlib.suppress(OdooError):
            copy.admin.call("pbx.recording", "action_fetch", [recording])
    copy.run_all_jobs()
    assert copy.asked() == []
    assert copy.odoo.sql(MAILS) == copy.mails


def test_its_new_addresses_take_nothing_of_the_real_ones(copy):
    rows = copy.odoo.sql("select dialect, webhook_token from pbx_provider where active")
    urls = {name: f"{copy.odoo.url}/pbx/{name}/{token}" for name, token in rows}
    before = copy.counts()
    secrets = dict(copy.secrets)
    for secret in ("", FORMER, None):
        for name in ("zadarma", "asterisk"):
            copy.secrets[name] = secrets[name] if secret is None else secret
        for name, sent in copy.events().items():
            assert copy.answered(urls[name], sent) == 403
    assert copy.counts() == before
