"""Beeline's subscription ends by itself: Odoo renews it, whatever happens meanwhile."""

import threading
import time

import log
import pytest

from lib.rpc import OdooError

RENEWED_SECONDS = 40


def renewed(beeline, before, seconds=RENEWED_SECONDS):
    """Wait until another subscription is the one that stands, and the only one."""
    log.until(lambda: beeline.known() == beeline.live() != [before], seconds, "renewed")
    [after] = beeline.live()
    return after


def assert_calls_come(beeline, caller):
    """A call of this moment is there, once and right, and nothing was refused."""
    last = beeline.last_call()
    played = beeline.pbx.play("answered", caller=caller)
    assert {one["status"] for one in played["events"]} == {200}
    beeline.assert_is(beeline.call_of(played["ref"]), played["truth"])
    assert len(beeline.calls(("id", ">", last))) == 1


def test_four_minutes_are_renewed_after_two_by_itself(beeline):
    beeline.pbx.set(granted_seconds=240)
    assert beeline.connect()["state"] == "connected"
    [before] = beeline.live()
    row = beeline.subscription()
    lasts, renewed_in = beeline.odoo.sql(
        "select extract(epoch from until - now() at time zone 'UTC'),"
        " extract(epoch from renew_at - now() at time zone 'UTC')"
        " from pbx_subscription where provider_id = %s",
        [beeline.id],
    )[0]
    assert row["details"] and 230 < lasts <= 240 and 110 < renewed_in <= 121
    beeline.clear_log()
    beeline.make_due()
    after = renewed(beeline, before)
    # The old one is given back only when the new one stands.
    order = [
        (one["method"], one["params"].get("subscriptionId"))
        for one in beeline.asked()
        if one["path"] == "/subscription"
    ]
    assert order == [("PUT", None), ("DELETE", before)]
    shown = beeline.read("state", "subscribed_until")
    assert shown["state"] == "connected"
    assert shown["subscribed_until"] > log.text(log.minutes_ago(0))
    assert_calls_come(beeline, "+79000002001")
    # What was told to the old one, and came late, is no stranger.
    _truth, bodies = beeline.render("missed", caller="+79000002002")
    assert after in bodies[0]
    assert beeline.post(beeline.told_again(bodies[0], before)) == 200


def test_it_is_not_renewed_before_its_time(beeline):
    [before] = beeline.live()
    beeline.wake_at_once()
    time.sleep(2)
    assert (beeline.live(), beeline.puts()) == ([before], [])


def test_ended_by_the_pbx_it_is_made_anew(beeline):
    [before] = beeline.live()
    beeline.end(before, tell=True)
    after = renewed(beeline, before)
    assert after != before and len(beeline.puts()) == 1
    assert_calls_come(beeline, "+79000002003")


def test_the_end_of_a_former_one_is_nothing(beeline):
    [before] = beeline.live()
    beeline.connect()
    [current] = beeline.live()
    assert current != before
    beeline.clear_log()
    played = beeline.pbx.play("terminated_former")
    assert [one["status"] for one in played["events"]] == [200]
    assert f"<xsi:subscriptionId>{before}<" in played["events"][0]["body"]
    time.sleep(2)
    assert (beeline.live(), beeline.puts()) == ([current], [])


def test_two_failures_and_then_connected(beeline):
    beeline.fault("503", method="PUT", path="/subscription", times=2)
    [before] = beeline.live()
    beeline.connect()
    # Words in between; the former one still stands, so that nothing is missed.
    assert beeline.steps()["address"] == "waiting"
    assert beeline.known() == beeline.live() == [before]
    assert_calls_come(beeline, "+79000002004")
    for attempts in (2, 0):
        beeline.make_due()
        log.until(
            lambda attempts=attempts: beeline.subscription()["attempts"] == attempts,
            RENEWED_SECONDS,
            f"attempt {attempts}",
        )
    renewed(beeline, before)
    assert len(beeline.puts()) == 3
    assert beeline.read("state") == {"id": beeline.id, "state": "connected"}
    # (A test's address is none that a PBX in the internet could reach.)
    log.until(
        lambda: beeline.steps()["address"] in ("ok", "warning"),
        RENEWED_SECONDS,
        "the step says so",
    )
    assert_calls_come(beeline, "+79000002005")


def test_somebody_saves_the_form_while_it_is_renewed(beeline):
    """The alarm ends with the renewal all the same, and does not wait for the next."""
    ended = (
        "update pbx_subscription set until = %(now)s, renew_at = %(now)s"
        " where provider_id = %(id)s"
    )
    values = {"now": log.minutes_ago(1), "id": beeline.id}
    beeline.fault("503", method="PUT", path="/subscription", times=1)
    beeline.odoo.sql(ended, values)
    beeline.wake_at_once()
    log.until(lambda: beeline.read("state")["state"] == "error", RENEWED_SECONDS, "so")
    [before], before_name = beeline.live(), beeline.read("name")["name"]
    # It is subscribed at once, and its answer takes a while.
    beeline.fault("drip", method="PUT", path="/subscription", times=1, seconds=4)
    beeline.odoo.sql(ended, values)
    beeline.wake_at_once()
    log.until(lambda: len(beeline.live()) == 2, RENEWED_SECONDS, "it was asked")
    try:
        beeline.write(name="Renamed meanwhile")
        renewed(beeline, before)
        shown = log.until(
            lambda: (
                (now := beeline.read("state", "last_error", "activity_ids"))
                and now["state"] == "connected"
                and now
            ),
            RENEWED_SECONDS,
            "no alarm",
        )
        assert (shown["last_error"], shown["activity_ids"]) == (False, [])
    finally:
        beeline.write(name=before_name)


def test_the_first_event_may_overtake_the_answer(beeline):
    beeline.pbx.set(first_event="before")
    last = beeline.last_event()
    beeline.connect()
    told = [
        one
        for one in beeline.pbx.get("/control/log")
        if one["event"] == "CallSubscriptionEvent"
    ]
    new = beeline.live()
    # Two were live at that moment, and one of them nobody knew yet.
    assert len(told) == 2 and {one["status"] for one in told} == {200}
    assert new[0] in {one["subscription"] for one in told}
    assert {event[1] for event in beeline.events_since(last)} == {"ignored"}
    # That was for the moment alone.
    played = beeline.pbx.play("wrong_subscription")
    assert [one["status"] for one in played["events"]] == [403]


def test_an_answer_that_is_lost_is_waited_out(beeline):
    """The PBX has subscribed us, and we do not know under which id."""
    beeline.fault("lost", method="PUT", path="/subscription", seconds=0)
    [before] = beeline.live()
    beeline.connect()
    assert len(beeline.live()) == 2 and beeline.known() == [before]
    lost = beeline.live()[-1]
    beeline.make_due()
    log.until(lambda: beeline.known() != [before], RENEWED_SECONDS, "renewed")
    [after] = beeline.known()
    log.until(
        lambda: beeline.live() == [lost, after], RENEWED_SECONDS, "the old one ended"
    )
    # Told twice, of which once by nobody whom we know: one call.
    last = beeline.last_call()
    played = beeline.pbx.play("answered", caller="+79000002006")
    told = {(one["subscription"], one["status"]) for one in played["events"]}
    assert told == {(after, 200), (lost, 403)}
    beeline.assert_is(beeline.call_of(played["ref"]), played["truth"])
    assert len(beeline.calls(("id", ">", last))) == 1


def test_a_kill_between_question_and_answer(beeline):
    [before] = beeline.live()
    beeline.fault("lost", method="PUT", path="/subscription", seconds=60)
    beeline.make_due()
    log.until(lambda: len(beeline.live()) == 2, RENEWED_SECONDS, "it was asked")
    beeline.odoo.kill()
    lost = beeline.live()[-1]
    beeline.odoo.start()
    beeline.admin = beeline.odoo.login("admin")

    def is_renewed():
        beeline.look_for_jobs()
        return beeline.known() not in ([], [before])

    # It was due, and still is: nobody has to press anything.
    log.until(is_renewed, 60, "renewed after the start")
    [after] = beeline.known()
    log.until(
        lambda: before not in beeline.live(), RENEWED_SECONDS, "the old one ended"
    )
    assert after in beeline.live() and after != lost
    assert_calls_come_from(beeline, after, "+79000002007")


def assert_calls_come_from(beeline, subscription, caller):
    last = beeline.last_call()
    played = beeline.pbx.play("answered", caller=caller)
    statuses = {one["subscription"]: one["status"] for one in played["events"]}
    assert statuses[subscription] == 200
    beeline.assert_is(beeline.call_of(played["ref"]), played["truth"])
    assert len(beeline.calls(("id", ">", last))) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_token_is_said_at_once(beeline, status):
    beeline.pbx.set(wrong_token_status=status)
    [before] = beeline.live()
    try:
        beeline.write(api_key="another-token")
        shown = beeline.connect()
        assert shown["state"] == "error" and "Неверный ключ" in shown["last_error"]
        assert beeline.steps()["keys"] == "failed"
        assert "another-token" not in beeline.odoo.log_text()
    finally:
        beeline.write(api_key="00000000-1111-4222-8333-444444444444")
    assert beeline.connect()["state"] == "connected"
    assert beeline.live() != [before]


def test_a_corrected_token_is_tried_at_once(beeline):
    """And not after the hour that a wrong one is not tried again."""
    [before] = beeline.live()
    beeline.write(api_key="another-token")
    try:
        beeline.make_due()
        log.until(
            lambda: beeline.read("state")["state"] == "error", RENEWED_SECONDS, "so"
        )
        assert beeline.live() == [before] and beeline.subscription()["attempts"] == 1
    finally:
        beeline.write(api_key="00000000-1111-4222-8333-444444444444")
    renewed(beeline, before)
    log.until(
        lambda: beeline.read("state")["state"] == "connected", RENEWED_SECONDS, "so"
    )
    assert beeline.steps()["keys"] == "ok"
    assert beeline.read("last_error", "activity_ids") == {
        **{"id": beeline.id, "last_error": False, "activity_ids": []}
    }


def test_again_and_again_nothing_is_doubled(beeline):
    numbers = [("provider_id", "=", beeline.id)]

    def counted():
        return [
            beeline.admin.call(model, "search_count", numbers)
            for model in ("pbx.extension", "pbx.line")
        ]

    assert counted() == [4, 2]
    for mode in ("double", "replace"):
        beeline.pbx.set(second_put=mode)
        assert beeline.connect()["state"] == "connected"
        assert counted() == [4, 2]
        assert len(beeline.live()) == 1 and beeline.known() == beeline.live()


def run(beeline, job):
    """Run a job; False where the server itself is at it."""
    try:
        log.run_job(beeline.admin, job)
    except OdooError as error:
        assert "already executing" in str(error)
        return False
    return True


@pytest.fixture
def working_time(beeline):
    """The people of the company work at any hour."""
    names = ["resource_calendar_id"]
    [company] = beeline.admin.call("res.company", "search_read", [], names, limit=1)
    where = "update res_company set resource_calendar_id = %s where id = %s"
    beeline.odoo.sql(where, [None, company["id"]])
    yield
    beeline.odoo.sql(where, [company["resource_calendar_id"][0], company["id"]])


def test_what_is_gone_is_noticed_in_the_silence(beeline, working_time):
    """The PBX has ended it without a word, and no event came for hours."""
    # That calls are missing is not what is tested: nobody is to be reminded of it.
    beeline.write(silence_minutes=0)
    [before] = beeline.live()
    beeline.end(before)
    long_ago = "- '9 hours'::interval where provider_id = %s"
    for table, column in (("event", "received_at"), ("call", "last_event_at")):
        beeline.odoo.sql(
            f"update pbx_{table} set {column} = {column} {long_ago}", [beeline.id]
        )
    beeline.odoo.sql(
        "update pbx_provider set connected_at = connected_at - '9 hours'::interval"
        " where id = %s",
        [beeline.id],
    )
    log.until(lambda: run(beeline, "ir_cron_silence"), 40, "the job has run")
    renewed(beeline, before)
    assert [one["params"] for one in beeline.asked("GET", "/subscription")] == [
        {"subscriptionId": before}
    ]
    assert_calls_come(beeline, "+79000002008")


def test_several_patterns_are_several_subscriptions(beeline):
    try:
        beeline.write(account="9000000101@ip.beeline.ru, 9000000102, 9000000110")
        assert beeline.connect()["state"] == "connected"
        patterns = [one["pattern"] for one in beeline.pbx.get("/control/subscriptions")]
        assert sorted(patterns) == [
            *("9000000101@ip.beeline.ru", "9000000102", "9000000110")
        ]
        assert sorted(beeline.known()) == sorted(beeline.live())
        last = beeline.last_call()
        # At 101 and 102, each told by its own; 103 is nobody's.
        played = beeline.pbx.play("group", caller="+79000002009")
        told = [one for one in played["events"] if not one.get("skipped")]
        assert {(one["target"], one["status"]) for one in told} == {
            *(("101", 200), ("102", 200))
        }
        call = beeline.call_of(played["ref"])
        assert call["outcome"] == "answered" and set(call["legs"]) == {"101", "102"}
        # Of a line's number: whoever answers.
        line = {"line": "+79000000110", "extension": "103"}
        played = beeline.pbx.play("answered", caller="+79000002010", **line)
        beeline.assert_is(beeline.call_of(played["ref"]), played["truth"])
        assert len(beeline.calls(("id", ">", last))) == 2
    finally:
        beeline.write(account=False)
    assert beeline.connect()["state"] == "connected"
    [whole] = beeline.pbx.get("/control/subscriptions")
    assert whole["pattern"] == ""


def test_disconnected_it_is_given_back(beeline):
    beeline.admin.call("pbx.provider", "action_disconnect", [beeline.id])
    assert (beeline.live(), beeline.known()) == ([], [])
    assert beeline.connect()["state"] == "connected"
    # Where the PBX is away it ends by itself, and is forgotten all the same.
    beeline.fault("503", method="DELETE", path="/subscription", times=0)
    try:
        beeline.admin.call("pbx.provider", "action_disconnect", [beeline.id])
    except OdooError as error:
        pytest.fail(f"it could not be forgotten: {error}")
    assert beeline.known() == []


@pytest.mark.parametrize(
    "off, on",
    [
        ({"active": False}, {"active": True}),
        ({"user_id": False}, {"user_id": 2}),
    ],
)
def test_switched_off_it_is_given_back(beeline, off, on):
    _truth, [body, *_rest] = beeline.render("missed", caller="+79000002012")
    try:
        beeline.write(**off)
        assert beeline.post(body) in (403, 404)
        # Where a job sets it up at this moment, that job's next run gives it back.
        log.until(lambda: beeline.live() == [], RENEWED_SECONDS, "it is given back")
    finally:
        beeline.write(**on)


def test_another_address_is_subscribed_and_the_old_one_is_none(beeline):
    old = beeline.provider["webhook_url"]
    _truth, [body, *_rest] = beeline.render("missed", caller="+79000002013")
    [before] = beeline.live()
    beeline.admin.call("pbx.provider", "action_rotate_token", [beeline.id])
    try:
        assert beeline.post(body) == 404
        assert beeline.connect()["state"] == "connected"
    finally:
        beeline.provider |= beeline.read("webhook_url")
    [one] = beeline.pbx.get("/control/subscriptions")
    assert one["url"] == beeline.provider["webhook_url"] != old
    assert one["subscriptionId"] != before
    assert_calls_come(beeline, "+79000002014")


def test_what_happened_meanwhile_is_read_from_the_history(beeline):
    """It ended, and a call came before there was another one."""
    [before] = beeline.live()
    with log.cron_off(beeline.odoo, "ir_cron_keep_alive"):
        beeline.end(before, tell=True)
        played = beeline.pbx.play("answered", caller="+79000002015")
        assert {one["skipped"] for one in played["events"]} == {"no live subscription"}
    beeline.wake_at_once()
    renewed(beeline, before)
    own = [("number", "=", "+79000002015")]
    [call] = log.until(lambda: beeline.calls(*own), 30, "the call is in the log")
    truth = played["truth"]
    shown = ("direction", "outcome", "line", "start", "talk_seconds")
    assert {n: call[n] for n in shown} == {n: truth[n] for n in shown}
    assert call["user_id"][0] == beeline.provider["users"]["101"]


def is_connected(beeline):
    """Whether it is, after one more press."""
    told = beeline.connect()["state"], beeline.steps()["keys"]
    return told == ("connected", "ok")


@pytest.mark.parametrize("kind", ["html", "429_retry_after", "truncated"])
def test_an_answer_that_is_none_is_a_sentence(beeline, kind):
    before = len(beeline.odoo.log_text())
    beeline.fault(kind, path="/*", times=0, seconds=1)
    beeline.connect()
    is_limit = kind.startswith("429")
    assert beeline.steps()["keys"] == ("waiting" if is_limit else "failed")
    beeline.pbx.post("/control/faults")
    log.until(lambda: is_connected(beeline), 30, "connected")
    assert beeline.read("last_error")["last_error"] is False
    assert "Traceback" not in beeline.odoo.log_text()[before:]


def test_a_sip_user_is_its_extension(beeline):
    changed = {"user_id": "SIP00ABCD0102@ip.beeline.ru", "phone": ""}
    normal = {"user_id": "9000000102@ip.beeline.ru", "phone": "9000000102"}
    try:
        beeline.pbx.set(abonents={"102": changed})
        beeline.connect()
        played = beeline.pbx.play("answered", caller="+79000002011", extension="102")
        assert "SIP00ABCD0102@" in played["events"][0]["body"]
        beeline.assert_is(beeline.call_of(played["ref"]), played["truth"])
    finally:
        beeline.pbx.set(abonents={"102": normal})
        beeline.connect()


def test_pressed_twice_at_once_there_is_one(beeline):
    again = beeline.admin.again()
    presses = [
        threading.Thread(
            target=lambda admin=admin: admin.call(
                "pbx.provider", "action_connect", [beeline.id]
            )
        )
        for admin in (beeline.admin, again)
    ]
    for press in presses:
        press.start()
    for press in presses:
        press.join()
    assert len(beeline.live()) == 1 and beeline.known() == beeline.live()
