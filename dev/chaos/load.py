"""Posts calls as a PBX does; run as a process of its own.

It reads what to do from its input, one JSON document, posts until it is sent SIGTERM,
and finishes the calls that have begun. What it was answered it writes to the ledger,
line by line, at once:

["call", number, scenario, once, [fields of each event]]   a call begins
["answer", number, event, status]                          0: no answer
["over", number]                                           nothing more will be posted
"""

import itertools
import json
import random
import signal
import sys
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "e2e"), str(HERE.parent.parent)]

import requests  # noqa: E402
from posting import post, session  # noqa: E402

from chaos.plays import plays  # noqa: E402
from fake_zadarma.wire import flat  # noqa: E402

# A PBX waits so long for an answer, and so long until it posts once more.
TIMEOUT_SECONDS, PAUSE_SECONDS = 8, 0.3
# Until a sender takes its next call, at the most.
BETWEEN_SECONDS = 0.5
AT_A_TIME = 3  # events of one call


class Load:
    """Senders that post one call after the other."""

    def __init__(self, urls, secret, zone, begun, first, seed, ledger, senders):
        self.urls, self.seed, self.senders = urls, seed, senders
        self.plays = plays(seed, secret, zone, datetime.fromisoformat(begun), first)
        self.taking, self.writing = threading.Lock(), threading.Lock()
        self.ledger = Path(ledger).open("a", buffering=1)
        self.over = threading.Event()
        self.own = threading.local()
        self.attempts = itertools.count()

    def run(self):
        signal.signal(signal.SIGTERM, lambda *_: self.over.set())
        threads = [threading.Thread(target=self.send) for _ in range(self.senders)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def send(self):
        while not self.over.is_set():
            with self.taking:
                play = next(self.plays)
            self.deliver(play)
            pause = random.Random(f"{self.seed}/{play.number}/pause")
            self.over.wait(pause.uniform(0, BETWEEN_SECONDS))

    def write(self, *words):
        with self.writing:
            self.ledger.write(json.dumps(words) + "\n")

    def deliver(self, play):
        fields = [dict(flat(event["fields"])) for event in play.events]
        self.write("call", play.number, play.scenario, play.once, fields)
        waiting = deque(enumerate(play.events))
        if play.together:
            with ThreadPoolExecutor(AT_A_TIME) as pool:
                list(pool.map(lambda _: self.work(play, waiting), range(AT_A_TIME)))
        self.work(play, waiting)
        self.write("over", play.number)

    def work(self, play, waiting):
        """Post what waits; what gets no 200 waits anew, behind the others."""
        while True:
            try:
                place, event = waiting.popleft()
            except IndexError:
                return
            status = self.post(event)
            self.write("answer", play.number, place, status)
            if status != 200 and not play.once:
                time.sleep(PAUSE_SECONDS)
                waiting.append((place, event))

    def post(self, event):
        """Post to any of the servers; 0: no answer in time."""
        if not hasattr(self.own, "session"):
            self.own.session = session()
        url = self.urls[next(self.attempts) % len(self.urls)]
        try:
            return post(url, event, self.own.session, TIMEOUT_SECONDS).status
        except requests.Timeout:
            return 0


if __name__ == "__main__":
    Load(**json.load(sys.stdin)).run()
