"""Recordings come by themselves, also when Odoo dies in the middle of a file."""

import log
import pytest
import requests

DOWNLOADS = "/v1/pbx/record/download/*"


@pytest.fixture(scope="module")
def odoo(own):
    return own[0]


@pytest.fixture(scope="module")
def pbx(own):
    odoo, pbx, provider = own
    # As after Connect: the job asks the fake PBX, which the demo's provider may not.
    odoo.login("admin").call(
        "pbx.provider", "write", [provider["id"]], {"server_url": pbx.url}
    )
    return pbx


def states(odoo):
    return dict(odoo.sql("select state, count(*) from pbx_recording group by 1"))


def files(odoo):
    """{id of the recording: how many files it has}."""
    return dict(
        odoo.sql(
            """select res_id, count(*) from ir_attachment
                where res_model = 'pbx.recording' and res_field = 'audio' group by 1"""
        )
    )


def test_they_come_by_themselves(odoo, pbx):
    for _call in range(5):
        pbx.play("answered", duration=5)
    log.until(lambda: states(odoo) == {"stored": 5}, 60, "five are stored")
    assert set(files(odoo).values()) == {1}


def test_a_kill_in_the_middle_of_a_file(odoo, pbx):
    before = states(odoo)["stored"]
    pbx.post(
        "/control/faults",
        {"faults": [{"kind": "drip", "path": DOWNLOADS, "seconds": 50}]},
    )
    for _call in range(3):
        pbx.play("answered", duration=20)
    # The first of them is on its way, a few bytes at a time, and holds nothing up:
    log.until(
        lambda: odoo.sql(
            """select 1 from pbx_recording where state = 'waiting' and attempts = 1
                  and tried_at < now() at time zone 'UTC' - '7 s'::interval"""
        ),
        30,
        "one is being fetched for some seconds",
    )
    [[idle]] = odoo.sql(
        """select count(*) from pg_stat_activity where datname = current_database()
              and state = 'idle in transaction' and xact_start < now() - '5 s'::interval
              and query like '%pbx_recording%'"""
    )
    assert not idle
    odoo.kill()
    assert states(odoo)["waiting"] >= 1
    odoo.start()
    # Nobody has it any more, once the claim is over.
    log.run_job(odoo.login("admin"), "ir_cron_fetch_recordings")
    odoo.sql("update pbx_recording set claimed_until = null where state = 'waiting'")
    log.run_job(odoo.login("admin"), "ir_cron_fetch_recordings")
    log.until(lambda: states(odoo) == {"stored": before + 3}, 60, "all are stored")
    assert set(files(odoo).values()) == {1}
    assert len(files(odoo)) == before + 3


def test_heard_after_login_alone(odoo, pbx):
    [[recording, size]] = odoo.sql("select id, size from pbx_recording limit 1")
    url = f"{odoo.url}/pbx/recording/{recording}"
    stranger = requests.get(url, allow_redirects=False, timeout=10)
    assert stranger.status_code == 303 and "/web/login" in stranger.headers["Location"]
    with requests.Session() as session:
        session.post(
            f"{odoo.url}/web/session/authenticate",
            json={
                "jsonrpc": "2.0",
                "params": {"db": odoo.database, "login": "admin", "password": "admin"},
            },
            timeout=30,
        )
        whole = session.get(url, timeout=10)
        assert (whole.status_code, len(whole.content)) == (200, size)
        part = session.get(url, headers={"Range": "bytes=10-19"}, timeout=10)
        assert (part.status_code, part.content) == (206, whole.content[10:20])
