"""The life of a subscription, against the look-alike."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from beeline_account import (
    BEELINE,
    TOKEN,
    Odoo,
    account_at,
    asked,
    live,
    spoil,
)
from beeline_bodies import A, Leg, Notice

from fake_beeline.running import running
from telephony import errors
from telephony.beeline import notification, subscription
from telephony.dialect import Refused


@pytest.fixture(scope="module")
def server():
    with running(TOKEN) as server:
        yield server


@pytest.fixture
def pbx(server):
    server.reset()
    return server


@pytest.fixture
def odoo(pbx):
    return Odoo(account_at(pbx.server_url))


def now():
    return datetime.now(UTC).replace(tzinfo=None)


def is_taken(odoo, subscription_id):
    notice = Leg().begun().told_again(subscriptionId=subscription_id)
    try:
        return bool(BEELINE.check(notice.post(), odoo.account).ref)
    except Refused as refused:
        assert refused.status == 403
        return False


def ids(odoo):
    return subscription.Memory(odoo.account.memory).current_ids


class TestOne:
    def test_it_is_for_the_whole_pbx(self, pbx, odoo):
        remembered = odoo.connect()
        [put] = asked(pbx, "PUT", "/subscription")
        assert put["params"] == {
            "url": odoo.account.webhook_url,
            "expires": 86400,
            "subscriptionType": "BASIC_CALL",
        }
        assert list(live(pbx)) == ids(odoo)
        assert is_taken(odoo, ids(odoo)[0])
        assert not remembered.more
        left = remembered.until - now()
        assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)
        json.dumps(remembered.values)

    def test_what_is_asked_for_can_be_chosen(self, pbx, odoo):
        odoo.change(
            options={
                "beeline_expires": 3600,
                "beeline_subscription_type": "ADVANCED_CALL",
            }
        )
        odoo.connect()
        [put] = asked(pbx, "PUT")
        assert put["params"]["expires"] == 3600
        assert put["params"]["subscriptionType"] == "ADVANCED_CALL"

    def test_the_time_that_is_granted_counts(self, pbx, odoo):
        pbx.account.granted_seconds = 240
        assert odoo.connect().until - now() <= timedelta(seconds=240)

    @pytest.mark.parametrize("second", ["double", "replace"])
    def test_again(self, pbx, odoo, second):
        pbx.account.second_put = second
        odoo.connect()
        [first] = ids(odoo)
        odoo.connect()
        [new] = ids(odoo)
        assert first != new and list(live(pbx)) == [new]
        # Nothing is without a subscription, even for a moment.
        changes = [e["method"] for e in asked(pbx) if e["method"] != "GET"]
        assert changes == ["PUT", "PUT", "DELETE"]
        # What is on its way still names the former one.
        assert is_taken(odoo, first) and is_taken(odoo, new)
        odoo.renew()
        assert list(live(pbx)) == ids(odoo) != [new]
        assert is_taken(odoo, first)

    def test_many_renewals_remember_no_more_than_they_need(self, odoo):
        for _time in range(subscription.MAX_PREVIOUS + 5):
            odoo.connect()
        assert len(json.dumps(odoo.account.memory)) < 8000

    def test_it_fails_and_what_was_there_stays(self, pbx, odoo):
        odoo.connect()
        memory = odoo.account.memory
        for kind, error in (
            ("503", errors.Unreachable),
            ("401", errors.WrongKey),
            ("403", errors.WrongKey),
            ("429", errors.RateLimited),
            ("html", errors.BadAnswer),
            ("empty", errors.BadAnswer),
            ("truncated", errors.Unreachable),
        ):
            spoil(pbx, kind, "/subscription", method="PUT")
            with pytest.raises(error):
                odoo.renew()
            assert odoo.account.memory == memory
            assert ids(odoo)[0] in live(pbx)
        former = ids(odoo)
        odoo.renew()
        assert ids(odoo)[0] in live(pbx) and former[0] not in live(pbx)

    def test_the_answer_is_lost(self, pbx, odoo):
        """Its id is known to nobody: it can only be waited out."""
        spoil(pbx, "lost", "/subscription", method="PUT")
        with pytest.raises(errors.Unreachable):
            odoo.connect()
        assert len(asked(pbx, "PUT", "/subscription")) == 1
        [lost] = live(pbx)
        odoo.connect()
        assert not is_taken(odoo, lost)
        odoo.change(expecting_until=now() + timedelta(seconds=60))
        assert is_taken(odoo, lost)

    def test_it_cannot_be_given_back_at_once(self, pbx, odoo):
        odoo.connect()
        [first] = ids(odoo)
        spoil(pbx, "503", "/subscription", method="DELETE")
        with pytest.raises(errors.Unreachable):
            odoo.connect()
        assert set(live(pbx)) == {first, *ids(odoo)}
        odoo.renew()
        assert list(live(pbx)) == ids(odoo)

    def test_what_has_gone_already_is_given_back(self, pbx, odoo):
        odoo.connect()
        pbx.account.end(ids(odoo)[0])
        odoo.renew()
        assert list(live(pbx)) == ids(odoo)
        noted = odoo.account.wire.noted[-1]
        assert (noted.method, noted.error) == ("DELETE", None)
        pbx.account.end(ids(odoo)[0])
        BEELINE.disconnect(odoo.account)
        assert live(pbx) == {}

    def test_disconnect(self, pbx, odoo):
        odoo.connect()
        BEELINE.disconnect(odoo.account)
        assert live(pbx) == {}
        BEELINE.disconnect(account_at(pbx.server_url))
        assert len(asked(pbx, "DELETE")) == 1

    def test_does_it_stand(self, pbx, odoo):
        assert not BEELINE.has_subscription(odoo.account)
        odoo.connect()
        assert BEELINE.has_subscription(odoo.account)
        pbx.account.end(ids(odoo)[0])
        assert not BEELINE.has_subscription(odoo.account)
        pbx.account.errors_with_200 = True
        assert not BEELINE.has_subscription(odoo.account)
        spoil(pbx, "503", "/subscription")
        with pytest.raises(errors.Unreachable):
            BEELINE.has_subscription(odoo.account)

    def test_its_end_is_told(self, odoo):
        odoo.connect()
        [first] = ids(odoo)
        ended = Notice(notification.TERMINATED, subscriptionId=first)
        assert BEELINE.check(ended.post(), odoo.account).needs_renewal
        odoo.renew()
        assert not BEELINE.check(ended.post(), odoo.account).needs_renewal

    def test_another_address(self, pbx, odoo):
        odoo.connect()
        odoo.change(webhook_url="https://odoo.example.com/pbx/beeline/ANOTHER-TOKEN")
        odoo.connect()
        [one] = pbx.account.live()
        assert one.url == odoo.account.webhook_url


class TestSeveral:
    PATTERNS = "101, +7 (900) 000-01-02,SIP00ABCD0104@ip.beeline.ru"
    WRITTEN = ["101", "9000000102", "SIP00ABCD0104@ip.beeline.ru"]

    @pytest.fixture
    def odoo(self, odoo):
        odoo.change(account=self.PATTERNS)
        return odoo

    def test_an_entry_that_beeline_does_not_have(self, odoo):
        """It is named, and what was subscribed before still holds."""
        odoo.change(account="")
        odoo.connect()
        until = odoo.until
        odoo.change(account="101, 777")
        with pytest.raises((errors.NotFound, errors.BadParameter)) as caught:
            odoo.connect()
        assert caught.value.detail.startswith("777: ")
        assert odoo.until == until

    def test_one_question_each_and_each_is_stored(self, pbx, odoo):
        found = []
        for remembered in odoo.steps(BEELINE.connect):
            found.append(remembered.more)
            assert set(live(pbx)) == set(ids(odoo))
        assert found == [True, True, False]
        assert sorted(live(pbx).values()) == self.WRITTEN
        assert all(is_taken(odoo, one) for one in live(pbx))

    def test_again(self, pbx, odoo):
        odoo.connect()
        former = set(ids(odoo))
        odoo.renew()
        assert set(live(pbx)) == set(ids(odoo)) and not former & set(ids(odoo))
        assert sorted(live(pbx).values()) == self.WRITTEN
        assert all(is_taken(odoo, one) for one in former)

    @pytest.mark.parametrize("left", [1, 60])
    def test_all_that_were_just_replaced_are_taken(self, monkeypatch, pbx, odoo, left):
        """However many: 60 abonents are named, and then as many or one of them."""
        names = [str(number) for number in range(100, 160)]
        anna = pbx.account.abonents["101"]
        pbx.account.abonents = {
            name: replace(
                anna, extension=name, user_id=f"{name}@x.example", phone="9" * 7 + name
            )
            for name in names
        }
        odoo.change(account=",".join(names))
        odoo.connect()
        former = ids(odoo)
        assert len(former) == 60
        odoo.change(account=",".join(names[:left]))
        odoo.connect()
        assert len(ids(odoo)) == left
        assert all(is_taken(odoo, one) for one in former)
        # Those of long ago are not kept in such numbers.
        later = subscription.utc_now() + timedelta(hours=3)
        monkeypatch.setattr(subscription, "utc_now", lambda: later)
        odoo.renew()
        assert len(odoo.account.memory["previous"]) <= 60

    def test_other_ones(self, pbx, odoo):
        odoo.connect()
        odoo.change(account="101,103")
        odoo.connect()
        assert sorted(live(pbx).values()) == ["101", "103"]
        odoo.change(account="")
        odoo.connect()
        assert list(live(pbx).values()) == [""]

    @pytest.mark.parametrize("first_run", [True, False])
    @pytest.mark.parametrize("after", [0, 1])
    def test_a_crash_between_two_steps(self, pbx, odoo, first_run, after):
        """The next run puts right what was left, and all have ended that were."""
        if not first_run:
            odoo.connect()
        run = odoo.steps(BEELINE.connect)
        for _step in range(after + 1):
            next(run)
        run.close()
        stored = len(ids(odoo))
        assert stored == (after + 1 if first_run else 3)
        if first_run:
            # So long not all of them are there, the renewal is due at once.
            assert odoo.until <= now()
        odoo.renew()
        assert sorted(live(pbx).values()) == self.WRITTEN
        assert set(live(pbx)) == set(ids(odoo))
        # What was done is not done twice.
        wanted = 3 if first_run else 6
        assert len(asked(pbx, "PUT", "/subscription")) == wanted

    def test_a_crash_long_ago_begins_anew(self, pbx, odoo, monkeypatch):
        run = odoo.steps(BEELINE.connect)
        next(run)
        run.close()
        later = subscription.utc_now() + timedelta(hours=3)
        monkeypatch.setattr(subscription, "utc_now", lambda: later)
        odoo.renew()
        assert len(asked(pbx, "PUT", "/subscription")) == 4
        # The one that was missing comes first.
        patterns = [e["params"]["pattern"] for e in asked(pbx, "PUT")]
        assert patterns == ["101", "9000000102", self.WRITTEN[2], "101"]

    def test_one_of_them_is_nobody(self, pbx, odoo):
        odoo.connect()
        memory = odoo.account.memory
        odoo.change(account="101,999")
        with pytest.raises(errors.NotFound, match="Абонент не найден"):
            odoo.connect()
        assert set(live(pbx)) >= set(ids(odoo))
        odoo.change(account=self.PATTERNS)
        odoo.connect()
        assert sorted(live(pbx).values()) == self.WRITTEN
        assert memory["current"].keys() == odoo.account.memory["current"].keys()

    def test_all_end(self, pbx, odoo):
        odoo.connect()
        BEELINE.disconnect(odoo.account)
        assert live(pbx) == {}

    def test_one_that_is_gone_is_all_that_is_needed_for_a_renewal(self, pbx, odoo):
        odoo.connect()
        pbx.account.end(ids(odoo)[1])
        assert not BEELINE.has_subscription(odoo.account)


NOW = datetime(2026, 9, 21, 12, 0, 0)


@pytest.mark.parametrize(
    "granted, seconds",
    [
        (240, 240),
        ("240", 240),
        (240.0, 240),
        ("240.5", 240),
        (86400, 86400),
        (604_800, 604_800),
        (86_400_000, 86400),  # milliseconds
        (int(NOW.replace(tzinfo=UTC).timestamp()) + 600, 600),
        (int(NOW.replace(tzinfo=UTC).timestamp() + 600) * 1000, 600),
        ("2026-09-21T12:10:00.000Z", 600),
        ("2026-09-21T15:10:00+03:00", 600),
        ("2026-09-21 12:10:00", 600),
        # Nothing that makes sense: what was asked for.
        (None, 7200),
        ("", 7200),
        ("soon", 7200),
        (0, 7200),
        (-5, 7200),
        ([], 7200),
        ({"a": 1}, 7200),
        (True, 7200),
        ("2020-01-01T00:00:00Z", 7200),
    ],
)
def test_until_when(granted, seconds):
    expected = NOW + timedelta(seconds=seconds)
    assert subscription.end_of(granted, 7200, NOW) == expected


@pytest.mark.parametrize(
    "memory",
    [
        {},
        None,
        {"current": {}},
        {"current": None, "previous": None, "waiting": None, "stepped_at": None},
        {"waiting": ["gone"], "stepped_at": "2026-09-21T12:00:00"},
        {"from": "another version"},
    ],
)
def test_any_memory_can_be_gone_on_from(pbx, memory):
    odoo = Odoo(account_at(pbx.server_url, memory=memory or {}))
    assert not is_taken(odoo, A)
    odoo.connect()
    assert list(live(pbx)) == ids(odoo)
