"""The fake PBX refuses and breaks on request: rate limits, faults."""

import time

import pytest
import requests

MAY = {"start": "2026-05-01 00:00:00", "end": "2026-05-31 23:59:59", "version": "2"}


@pytest.fixture
def pbx(server):
    server.reset()
    return server


# -- limits ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form, status, header",
    [("429", 429, False), ("429_retry_after", 429, True), ("200", 200, False)],
)
def test_statistics_are_limited_harder(pbx, form, status, header):
    pbx.control("POST", "/settings", {"limits": {"enabled": True, "form": form}})
    for left in (2, 1, 0):
        answer = pbx.ask("GET", "/v1/statistics/pbx/", MAY)
        assert answer.json()["status"] == "success"
        assert answer.headers["X-RateLimit-Remaining"] == str(left)
    refused = pbx.ask("GET", "/v1/statistics/pbx/", MAY)
    assert refused.status_code == status
    assert ("Retry-After" in refused.headers) is header
    assert refused.headers["X-RateLimit-Limit"] == "3"
    assert refused.json()["status"] == "error"
    assert "You exceeded the rate limit" in refused.json()["message"]
    assert pbx.ask("GET", "/v1/info/balance/").headers["X-RateLimit-Limit"] == "100"


def test_the_window_slides_and_limits_are_off_by_default(pbx):
    for _ in range(5):
        assert pbx.ask("GET", "/v1/statistics/pbx/", MAY).status_code == 200
    limits = {"enabled": True, "statistics": 1, "window": 1.5}
    pbx.control("POST", "/settings", {"limits": limits})
    assert pbx.ask("GET", "/v1/statistics/pbx/", MAY).status_code == 200
    assert pbx.ask("GET", "/v1/statistics/pbx/", MAY).status_code == 429
    time.sleep(1.5)
    assert pbx.ask("GET", "/v1/statistics/pbx/", MAY).status_code == 200


# -- faults ----------------------------------------------------------------------------


def broken(pbx, kind, **fault):
    pbx.control("POST", "/faults", {"faults": [{"kind": kind, **fault}]})
    try:
        return pbx.ask("GET", "/v1/pbx/internal/")
    finally:
        assert pbx.control("GET", "/faults").json() == {"faults": []}
        assert pbx.ask("GET", "/v1/pbx/internal/").json()["numbers"]


def test_faults_break_one_answer(pbx):
    assert broken(pbx, "500").status_code == 500
    assert "<h1>" in broken(pbx, "html").text
    assert broken(pbx, "empty").content == b""
    assert broken(pbx, "429").status_code == 429
    limited = broken(pbx, "429_retry_after", seconds=7)
    assert limited.headers["Retry-After"] == "7"
    assert broken(pbx, "200").json()["status"] == "error"
    twisted = broken(pbx, "wrong_types").json()
    assert twisted == {"status": "success", "pbx_id": "a number", "numbers": {}}
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        broken(pbx, "truncated")


def test_slow_faults_take_their_time(pbx):
    for kind in ("timeout", "drip"):
        begun = time.monotonic()
        assert broken(pbx, kind, seconds=0.3).json()["status"] == "success"
        assert time.monotonic() - begun > 0.3


def test_faults_strike_where_and_as_often_as_told(pbx):
    fault = {"kind": "500", "path": "/v1/statistics*", "times": 2}
    pbx.control("POST", "/faults", {"faults": [fault]})
    assert pbx.ask("GET", "/v1/info/balance/").status_code == 200
    codes = [pbx.ask("GET", "/v1/statistics/pbx/", MAY).status_code for _ in range(3)]
    assert codes == [500, 500, 200]
    refused = pbx.control("POST", "/faults", {"faults": [{"kind": "flood"}]})
    assert refused.status_code == 400 and "flood" in refused.json()["message"]
