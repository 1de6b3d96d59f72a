"""Posting webhooks as the PBX does, from as many threads as a test wants."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import requests

from fake_zadarma import wire
from fake_zadarma.scenarios import scenario

TIMEOUT_SECONDS = 60


class Answer(NamedTuple):
    """What came back; `status` 0: no answer at all."""

    status: int
    body: str


def session() -> requests.Session:
    """A client that uses no proxy of this machine. One per thread."""
    client = requests.Session()
    client.trust_env = False
    return client


def post(
    url: str,
    event: dict,
    client: requests.Session | None = None,
    timeout: float = TIMEOUT_SECONDS,
) -> Answer:
    """Send one rendered event ({"body": text, "headers": {...}})."""
    body = event["body"]
    try:
        answer = (client or session()).post(
            url,
            data=body if isinstance(body, bytes) else body.encode(),
            headers=event["headers"],
            timeout=timeout,
            allow_redirects=False,
        )
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        # Nobody there, or the answer broke off: what is not whole is no answer.
        return Answer(0, "")
    return Answer(answer.status_code, answer.text)


def render(name: str, secret: str, **parameters) -> list[dict]:
    """The signed requests of a scenario, by whoever has `secret`."""
    steps = scenario(name, **parameters)
    return [wire.render(step, secret).as_json() for step in steps]


def storm(url: str, calls: list[list[dict]], threads: int) -> list[list[Answer]]:
    """Post each call's events at the same moment, one from each thread.

    Each of `calls` has `threads` events. Returns the answers, call by call.
    """
    barrier = threading.Barrier(threads)

    def run(place: int) -> list[Answer]:
        with session() as client:
            answers = []
            for events in calls:
                barrier.wait(TIMEOUT_SECONDS)
                answers.append(post(url, events[place], client))
            return answers

    with ThreadPoolExecutor(threads) as pool:
        by_thread = list(pool.map(run, range(threads)))
    return [list(answers) for answers in zip(*by_thread, strict=True)]
