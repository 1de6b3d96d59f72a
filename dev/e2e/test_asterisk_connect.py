"""A real Asterisk is entered, connected, and given other secrets, step by step."""

import time
from concurrent.futures import ThreadPoolExecutor

import log
import pytest

from asterisk import stories
from asterisk.lab import Lab

LOGIN, PASSWORD = "odoo", "Of-this_lab-alone"
SHOWN = [
    *("state", "last_error", "hint", "api_secret", "extension_ids", "call_count"),
    *("asterisk_outdated", "asterisk_replayed_count", "asterisk_replayed_at"),
]


@pytest.fixture(scope="module")
def parts(asterisk, instance, servers):
    """(odoo, lab, provider): no file of ours is installed yet."""
    odoo = servers.start()
    lab = Lab(asterisk, instance.folder / "asterisk-connect")
    try:
        lab.start()
        provider = Provider(odoo, lab)
        yield odoo, lab, provider
    finally:
        lab.close()
        odoo.stop()


class Provider:
    """The connection, as an administrator has it."""

    def __init__(self, odoo, lab):
        self.admin = odoo.login("admin")
        [country] = self.admin.call("res.country", "search", [("code", "=", "GB")])
        values = {
            "name": "Asterisk",
            "dialect": "asterisk",
            "server_url": lab.ari_url,
            "login": LOGIN,
            "api_key": PASSWORD,
            "external_url": odoo.url,
            "country_id": country,
            "asterisk_recordings": str(lab.recordings),
        }
        self.id = self.admin.call("pbx.provider", "create", values)

    def press(self, button):
        return self.admin.call("pbx.provider", button, [self.id])

    def write(self, **values):
        self.admin.call("pbx.provider", "write", [self.id], values)

    def __getattr__(self, name):
        if name not in SHOWN:
            raise AttributeError(name)
        [values] = self.admin.call("pbx.provider", "read", [self.id], [name])
        return values[name]

    def install(self, lab, *names):
        """Copy the files to Asterisk, or some of them."""
        texts = self.press("asterisk_files")
        lab.install({name: texts[name] for name in names or INCLUDED})


INCLUDED = tuple(
    f"cloud_pbx_{name}.conf" for name in ("cel", "cel_custom", "extensions", "ari")
)


def calls_of(provider):
    domain = [("provider_id", "=", provider.id), ("state", "=", "done")]
    return provider.admin.call("pbx.call", "search_count", domain)


def wait_for(count, provider, seconds=30):
    deadline = time.monotonic() + seconds
    while calls_of(provider) < count:
        assert time.monotonic() < deadline, f"{calls_of(provider)} of {count} calls"
        time.sleep(0.2)
    assert calls_of(provider) == count


def test_nothing_is_installed(parts):
    _odoo, _lab, provider = parts
    assert len(provider.api_secret) == 32
    provider.press("action_connect")
    assert provider.state == "error"
    assert "ARI user or its password" in provider.last_error


def held(odoo):
    """The transactions that are older than a second, and the advisory locks."""
    return odoo.sql(
        """select query, state from pg_stat_activity
            where datname = current_database() and pid != pg_backend_pid()
              and xact_start < now() - interval '1 s'
              -- Odoo's own, of a job that runs
              and query not like '%ir_cron%'"""
    ) + odoo.sql(
        """select locktype from pg_locks
            where locktype = 'advisory' and pid != pg_backend_pid()
              and database = (select oid from pg_database
                               where datname = current_database())"""
    )


def test_only_the_login_is_installed(parts):
    odoo, lab, provider = parts
    provider.install(lab, "cloud_pbx_ari.conf")
    with ThreadPoolExecutor() as threads:
        pressed = threads.submit(provider.press, "action_connect")
        log.until(
            lambda: "replay@cloud-pbx" in lab.log.read_text(), 30, "Asterisk is asked"
        )
        # While it waits for an event, it holds nothing (Odoo's own jobs do, at times).
        log.until(lambda: not held(odoo), 5, "no transaction and no lock is held")
        assert not pressed.done()
        assert pressed.result()["params"]["type"] == "danger"
    assert provider.state == "error"
    assert "missing or old" in provider.last_error
    assert len(provider.extension_ids) == 3


def test_all_is_installed(parts):
    _odoo, lab, provider = parts
    provider.install(lab)
    provider.press("action_connect")
    assert (provider.state, provider.last_error) == ("connected", False)
    assert provider.asterisk_replayed_at
    assert not provider.asterisk_outdated
    stories.play(lab, "answered", talk=1)
    wait_for(1, provider)


def test_again_nothing_is_there_twice(parts):
    _odoo, _lab, provider = parts
    before = provider.extension_ids
    provider.press("action_connect")
    assert provider.extension_ids == before
    assert provider.state == "connected"


def test_another_secret(parts):
    """What the old one signs is taken, and that it is an old one is said."""
    _odoo, lab, provider = parts
    provider.write(api_secret=False)
    assert len(provider.api_secret) == 32
    stories.play(lab, "answered", talk=1)
    wait_for(2, provider)
    assert provider.asterisk_outdated
    assert "older files" in provider.hint
    provider.install(lab)
    provider.press("action_connect")
    assert not provider.asterisk_outdated
    assert provider.state == "connected"


def test_another_address(parts):
    """Asterisk keeps what the old one does not take; nothing is lost."""
    _odoo, lab, provider = parts
    provider.press("action_rotate_token")
    stories.play(lab, "answered", talk=1)
    log.until(lambda: lab.outbox() > 5, 30, "the records are kept")
    provider.press("action_connect")
    assert provider.state == "error"
    assert "cannot reach" in provider.last_error
    provider.install(lab)
    provider.press("action_connect")
    assert provider.state == "connected"
    assert provider.asterisk_replayed_count > 5
    wait_for(3, provider)
    lab.wait_empty()


def checks_of(provider):
    """{step: (state, message, what was changed)}"""
    domain = [("provider_id", "=", provider.id)]
    fields = ["step", "state", "message", "detail"]
    found = provider.admin.call("pbx.check", "search_read", domain, fields)
    return {c["step"]: (c["state"], c["message"], c["detail"]) for c in found}


def test_events_of_calls_are_not_loaded(parts):
    _odoo, lab, provider = parts
    # Left out from the start: where it is unloaded while it writes a record, Asterisk
    # may stand still.
    lab.stop()
    modules = lab.folder / "etc/modules.conf"
    modules.write_text(f"{modules.read_text()}noload = cel_custom.so\n")
    lab.start()
    lab.write()
    provider.press("action_connect")
    state, message, _detail = checks_of(provider)["events"]
    assert state == "warning"
    assert "module load cel_custom.so" in message
    lab.rx("module load cel_custom.so")
    provider.press("action_connect")
    assert checks_of(provider)["events"][0] != "warning"


def test_trunks_that_were_wrong_once_are_no_phones(parts):
    _odoo, lab, provider = parts
    provider.write(asterisk_trunks="gsm-*")
    stories.play(lab, "answered", talk=1)
    wait_for(4, provider)
    provider.write(asterisk_trunks=False)
    truth = stories.play(lab, "answered", talk=1)
    wait_for(5, provider)
    [call] = provider.admin.call(
        "pbx.call",
        "search_read",
        [("provider_id", "=", provider.id), ("number", "=", truth.number)],
        ["direction", "outcome"],
    )
    assert (call["direction"], call["outcome"]) == ("inbound", "answered")
    assert "carrier" in checks_of(provider)["extensions"][2]


def test_asterisk_is_away(parts):
    _odoo, lab, provider = parts
    lab.stop()
    provider.press("action_connect")
    assert provider.state == "error"
    assert "cannot be reached" in provider.last_error
    lab.start()
    provider.press("action_connect")
    assert provider.state == "connected"


def test_disconnected(parts):
    _odoo, _lab, provider = parts
    told = provider.press("action_disconnect")["params"]["message"]
    assert provider.state == "draft"
    assert "#include" in told
