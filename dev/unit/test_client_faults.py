"""Answers that are broken or of wrong types: readable errors, for every method."""

import functools
from datetime import UTC, datetime, timedelta

import pytest
from fake_account import CLIENT, KEY, SECRET, ZADARMA, rows_at, spoil

from telephony import errors
from telephony.zadarma import answers as answer

NOW = datetime.now(UTC).replace(tzinfo=None)
DAY = timedelta(days=1)
UNDERSTAND = answer.understand
ODD = (None, True, 7, -1, "x", "", [], [7], [None], [["x"]], {}, {"x": 1}, "9" * 5000)

METHODS = {
    "fetch_balance": ((), "/v1/info/balance"),
    "fetch_offset": ((), "/v1/info/timezone"),
    "fetch_extensions": ((), "/v1/pbx/internal"),
    "fetch_extension": (("100",), "/v1/pbx/internal/*"),
    "fetch_online": (("100",), "/v1/pbx/internal/*"),
    "fetch_lines": ((), "/v1/direct_numbers"),
    "fetch_setup": ((), "/v1/pbx/callinfo"),
    "fetch_history": ((NOW - DAY, NOW), "/v1/statistics/pbx"),
    "fetch_recording": (("", "1779868800.123450"), "/v1/pbx/record/request"),
}
FAULTS = {
    "500": errors.Unreachable,
    "html": errors.BadAnswer,
    "truncated": errors.Unreachable,
    "empty": errors.BadAnswer,
    "429": errors.RateLimited,
    "429_retry_after": errors.RateLimited,
    "200": errors.RateLimited,
    "wrong_types": errors.BadAnswer,
}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("kind", FAULTS)
def test_a_broken_answer_is_a_readable_error(pbx, account, name, kind):
    arguments, path = METHODS[name]
    rows_at(pbx, str(NOW - DAY / 2)[:19], is_recorded=True)
    pbx.account.recordings["1779868800.123450"] = 0
    spoil(pbx, kind, path)
    with pytest.raises(FAULTS[kind]) as caught:
        getattr(ZADARMA, name)(account, *arguments)
    assert KEY not in str(caught.value) and SECRET not in str(caught.value)
    # The next one is well again.
    getattr(ZADARMA, name)(account, *arguments)


@pytest.mark.parametrize("name", METHODS)
def test_no_field_of_any_type_makes_it_trip(pbx, account, name, monkeypatch):
    """One field after the other, at every depth, becomes something else."""
    rows_at(pbx, str(NOW - DAY / 2)[:19], is_recorded=True)
    pbx.account.recordings["1779868800.123450"] = 0
    call = functools.partial(getattr(ZADARMA, name), account, *METHODS[name][0])
    told = []

    def remember(*args, **kwargs):
        told.append(UNDERSTAND(*args, **kwargs))
        return told[-1]

    monkeypatch.setattr(answer, "understand", remember)
    call()
    answers = list(told)
    for number, told in enumerate(answers):
        for place in places(told):
            for value in ODD:
                spoiled = list(answers)
                spoiled[number] = replaced(told, place, value)
                rest = iter(spoiled)
                monkeypatch.setattr(answer, "understand", functools.partial(tell, rest))
                try:
                    call()
                except errors.PbxError as error:
                    assert len(error.detail) < 300


def tell(answers, *_args):
    return next(answers)


def places(data, before=()):
    """Yield the way to each value in a JSON value, a few of each kind."""
    items = data.items() if isinstance(data, dict) else enumerate(data[:1])
    for name, value in items:
        yield (*before, name)
        if isinstance(value, dict | list):
            yield from places(value, (*before, name))


def replaced(data, path, value):
    if not path:
        return value
    data = dict(data) if isinstance(data, dict) else list(data)
    data[path[0]] = replaced(data[path[0]], path[1:], value)
    return data


def test_what_changes_something_takes_any_sign_of_success(pbx, account):
    """Its effect is there: calling it a failure would be wrong."""
    for call in (
        lambda: ZADARMA.switch_notifications(account, {"start": True}),
        lambda: ZADARMA.disconnect(account),
        lambda: ZADARMA.dial(account, "100", CLIENT),
    ):
        spoil(pbx, "wrong_types")
        call()
