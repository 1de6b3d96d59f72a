"""What is counted and noted of each question, and what of it is masked."""

from datetime import datetime

import pytest
from fake_account import KEY, SECRET, ZADARMA, asked, spoil
from faulty_server import Noting, account_at, answer, once, served

from telephony import errors
from telephony.dialect import GENERAL, STATISTICS, Account, Exchange


def test_each_question_is_noted_with_its_answer(pbx, account):
    wire = Noting()
    account = Account(**{**vars(account), "wire": wire})
    ZADARMA.fetch_balance(account)
    [told] = wire.noted
    assert isinstance(told, Exchange)
    assert (told.method, told.path, told.status) == ("GET", "/v1/info/balance/", 200)
    assert '"balance"' in told.answered and told.error is None
    assert 0 < told.seconds < 5 and told.bucket == GENERAL


def test_statistics_are_counted_as_such(pbx, account):
    wire = Noting()
    account = Account(**{**vars(account), "wire": wire})
    ZADARMA.fetch_history(account, datetime(2026, 6, 1), datetime(2026, 6, 2))
    assert wire.buckets == [STATISTICS]
    [told] = wire.noted
    assert told.bucket == STATISTICS
    assert "start=2026-05-31 23:00:00" in told.asked and "skip=0" in told.asked


def test_a_failure_is_noted_too(pbx, account):
    wire = Noting()
    account = Account(**{**vars(account), "wire": wire})
    spoil(pbx, "429_retry_after", seconds=11)
    with pytest.raises(errors.RateLimited) as caught:
        ZADARMA.fetch_balance(account)
    [told] = wire.noted
    assert told.error is caught.value and told.status == 429
    assert caught.value.retry_after == 11


def test_the_gate_is_asked_before_the_pbx(pbx, account):
    wire = Noting(limit=0)
    account = Account(**{**vars(account), "wire": wire})
    for ask in (ZADARMA.fetch_balance, ZADARMA.disconnect):
        with pytest.raises(errors.RateLimited):
            ask(account)
    assert not asked(pbx) and not wire.noted


def test_no_secret_is_noted(pbx, account):
    """Not ours, and no address: who has a recording's link may listen."""
    wire = Noting()
    token = "t0k3n+/with=signs"
    url = f"http://127.0.0.1:9/pbx/zadarma/{token}"
    account = Account(
        **{**vars(account), "wire": wire, "webhook_url": url, "former_secret": "f0rm3r"}
    )
    with pytest.raises(errors.BadParameter):
        ZADARMA.connect(account)
    pbx.account.callinfo_url = url
    ZADARMA.fetch_setup(account)
    pbx.control("POST", "/play", {"scenario": "answered"})
    row = pbx.account.rows[0]
    link = ZADARMA.fetch_recording(account, "", row["call_id"]).url
    text = repr(wire.noted)
    for secret in (KEY, SECRET, token, "t0k3n", "f0rm3r", link.split("/")[-2], "http"):
        assert secret not in text, secret
    assert row["call_id"] in text


def test_what_the_pbx_repeats_of_us_is_masked():
    said = f'{{"status":"error","message":"No {KEY}:{SECRET} at http://a/b?c"}}'
    wire = Noting()
    with served(once(answer(said.encode()))) as url:
        with pytest.raises(errors.BadParameter) as caught:
            ZADARMA.fetch_balance(account_at(url, wire))
    assert str(caught.value) == caught.value.detail == "No ***:*** at ***"
    [told] = wire.noted
    assert KEY not in told.answered and "http" not in told.answered


def test_a_long_answer_is_cut_in_the_log():
    with served(once(answer(b'{"status":"success","balance":"' + b"x" * 9000))) as url:
        wire = Noting()
        with pytest.raises(errors.BadAnswer):
            ZADARMA.fetch_balance(account_at(url, wire))
    assert len(wire.noted[0].answered) == 4000
