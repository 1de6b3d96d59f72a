"""Beeline's past calls and recordings: all calls once, and never too many questions."""

import time

import log
import pytest
from posting import session

QUESTIONS, SPAN_SECONDS = 3, 1.0
CLOCK_SECONDS = 0.01
# A row of the statistics says how long the talk was, and not when it began.
LISTED = ("direction", "number", "start", "talk_seconds")


def assert_in_turns(asked, turns):
    """No more than three questions had their turn within a second, and each waited."""
    for first, fourth in zip(turns, turns[QUESTIONS:], strict=False):
        assert fourth - first >= SPAN_SECONDS, turns
    arrived = sorted(one["time"] for one in asked)
    # Of more than a minute ago no turns are kept.
    count = min(len(arrived), len(turns))
    assert count > QUESTIONS
    for turn, arrival in zip(turns[-count:], arrived[-count:], strict=True):
        assert arrival >= turn - CLOCK_SECONDS, (turns, arrived)


@pytest.fixture(scope="module")
def past(started_beeline):
    """(beeline, the truths of the past calls, the calls, (what was asked, turns))."""
    beeline = started_beeline
    beeline.make_quiet()
    beeline.odoo.sql("delete from pbx_recording")
    beeline.odoo.sql("delete from pbx_call")
    beeline.pbx.set(record_refusals=0)
    delete_rows(beeline)
    truths = beeline.pbx.post("/control/history")["calls"]
    beeline.clear_log()
    beeline.fetch()
    asked = beeline.asked(), beeline.turns()
    return beeline, truths, beeline.calls(), asked


def delete_rows(beeline):
    with session() as client:
        client.delete(f"{beeline.pbx.url}/control/rows", timeout=10)


def test_forty_rows_and_twelve_records_are_thirty_calls(past):
    beeline, truths, calls, _asked = past
    rows = sum(len(truth["legs"]) for truth in truths)
    assert (len(truths), rows) == (30, 40)
    told = [truth for truth in truths if truth["told"]]
    assert len(told) == 10
    assert len(calls) == len(truths)
    assert {call["state"] for call in calls} == {"done"}
    by_start = {(call["start"], call["number"]): call for call in calls}
    for truth in truths:
        call = by_start[truth["start"], truth["number"]]
        assert {name: call[name] for name in LISTED} == {n: truth[n] for n in LISTED}
        assert (truth["scenario"], call["outcome"]) == (
            *(truth["scenario"], truth["outcome"]),
        )
        assert set(call["legs"]) == set(truth["legs"])
        user = beeline.provider["users"].get(truth["extension"], False)
        assert (call["user_id"] and call["user_id"][0]) == user
        if truth["told"]:
            beeline.assert_is(call, truth)


def test_calls_that_were_told_or_recorded_have_beelines_own_id(past):
    _beeline, truths, calls, _asked = past
    refs = {call["ref"] for call in calls}
    for truth in truths:
        is_known = truth["told"] or truth["recordings"]
        assert (truth["ref"] in refs) == bool(is_known)


def test_recordings_are_known_from_the_records(past):
    _beeline, truths, calls, _asked = past
    found = sorted(recording for call in calls for recording in call["recordings"])
    assert len(found) == 12 == sum(truth["recordings"] for truth in truths)
    assert all("@ip.beeline.ru" in name and name.count("/") == 1 for name in found)


def test_never_more_than_three_questions_within_a_second(past):
    *_others, (asked, turns) = past
    assert {one["path"] for one in asked} >= {"/records", "/v2/statistics"}
    assert_in_turns(asked, turns)


def test_again_nothing_is_new(past):
    beeline, _truths, calls, _asked = past
    query = "select to_jsonb(c) from pbx_call c order by id"
    before = beeline.odoo.sql(query)
    beeline.fetch()
    assert beeline.odoo.sql(query) == before
    assert len(beeline.calls()) == len(calls)


def test_events_that_come_later_are_the_same_calls(past):
    """They were on their way; the made-up id gives way to Beeline's own."""
    beeline, truths, calls, _asked = past
    late = [t for t in truths if not t["told"] and t["scenario"] == "missed"][:2]
    for truth in late:
        start = time.strptime(truth["start"], log.FORMAT)
        epoch = time.mktime(start) - time.timezone
        beeline.pbx.play(
            "missed", caller=truth["number"], start=epoch, ref=truth["ref"]
        )
        beeline.assert_is(beeline.call_of(truth["ref"]), truth)
    assert len(beeline.calls()) == len(calls)


# -- recordings ------------------------------------------------------------------------


def recordings(beeline, ref):
    return beeline.odoo.sql(
        "select r.state, r.attempts, r.mimetype from pbx_recording r"
        " join pbx_call c on c.id = r.call_id where c.ref = %s",
        [ref],
    )


def try_again(beeline):
    """The pause is over that follows a refusal."""
    beeline.odoo.sql(
        "update pbx_recording set next_attempt_at = now() at time zone 'UTC'"
        " - '2 s'::interval where state = 'waiting'"
    )
    log.run_job(beeline.admin, "ir_cron_fetch_recordings")


@pytest.fixture
def no_others(beeline):
    """No other recording waits."""
    with log.cron_off(beeline.odoo, "ir_cron_fetch_recordings"):
        beeline.odoo.sql("update pbx_recording set state = 'expired'")
        yield


def test_a_recording_is_stored_after_two_refusals(beeline, no_others):
    beeline.pbx.set(record_refusals=2)
    played = beeline.pbx.play("recorded", caller="+79000003001")
    ref = played["ref"]
    beeline.assert_is(beeline.call_of(ref), played["truth"])
    # The first time half a minute after we heard of the release.
    [[due]] = beeline.odoo.sql(
        "select extract(epoch from r.next_attempt_at - (select max(received_at)"
        " from pbx_event where provider_id = %s)) from pbx_recording r"
        " join pbx_call c on c.id = r.call_id where c.ref = %s",
        [beeline.id, ref],
    )
    assert 29 <= due <= 32
    [[state, _attempts, _kind]] = recordings(beeline, ref)
    assert state == "waiting"
    for attempts in (1, 2):
        try_again(beeline)
        assert recordings(beeline, ref) == [("waiting", attempts, None)]
        [[pause]] = beeline.odoo.sql(
            "select extract(epoch from r.next_attempt_at - r.tried_at)"
            " from pbx_recording r join pbx_call c on c.id = r.call_id"
            " where c.ref = %s",
            [ref],
        )
        assert pause > 30 * attempts  # growing
    try_again(beeline)
    assert recordings(beeline, ref) == [("stored", 3, "audio/mpeg")]
    call = beeline.call_of(ref)
    [heard] = call["recording_ids"]
    sound = beeline.odoo.login("abonent101").get(f"/pbx/recording/{heard}")
    assert sound.startswith(b"ID3") and len(sound) > 10000
    path = f"/v2/records/{ref}/9000000101@ip.beeline.ru/download"
    asked = beeline.asked("GET", path)
    assert [one["status"] for one in asked] == [404, 404, 200]
    assert all(one["authorized"] for one in asked)


def test_recordings_are_fetched_no_faster(beeline, no_others):
    """Those of the past are many at once."""
    for place in range(QUESTIONS + 2):
        beeline.pbx.play("recorded", caller=f"+7900000310{place}")
    try_again(beeline)
    asked = [one for one in beeline.asked() if one["path"].endswith("/download")]
    assert len(asked) == QUESTIONS + 2
    assert_in_turns(asked, beeline.turns())
