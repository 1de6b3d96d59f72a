#!/usr/bin/env python3
"""A process of its own that posts the events of many calls, as a busy PBX does.

Reads JSON from its input: url, certificate (of a proxy; "" for none), senders, and
events, each [body, headers], in the order in which they leave. Each sender takes the
next one as soon as its last was answered. Writes JSON: statuses and seconds, event by
event, seconds of all, and seconds of processor time.
"""

import http.client
import json
import resource
import ssl
import sys
import threading
import time
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 120


class Sender(threading.Thread):
    """One connection, which is opened anew where the server closes it."""

    def __init__(self, url, context, waiting):
        super().__init__()
        self.path, self.waiting, self.answers = url.path, waiting, []
        kind = http.client.HTTPSConnection if context else http.client.HTTPConnection
        options = {"context": context} if context else {}
        self.connection = kind(
            url.hostname, url.port, timeout=TIMEOUT_SECONDS, **options
        )

    def run(self):
        # An iterator of a list may be shared by threads.
        for place, (body, headers) in self.waiting:
            began = time.perf_counter()
            try:
                self.connection.request("POST", self.path, body, headers)
                answer = self.connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, http.client.HTTPException):
                self.connection.close()
                status = 0
            self.answers.append((place, status, time.perf_counter() - began))


def main():
    task = json.load(sys.stdin)
    context = None
    if task["certificate"]:
        context = ssl.create_default_context(cafile=task["certificate"])
    waiting = iter(list(enumerate(task["events"])))
    url = urlsplit(task["url"])
    senders = [Sender(url, context, waiting) for _ in range(task["senders"])]
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    answers = sorted(one for sender in senders for one in sender.answers)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    result = {
        "statuses": [status for _place, status, _seconds in answers],
        "seconds": [seconds for _place, _status, seconds in answers],
        "took": took,
        "processor": spent,
    }
    json.dump(result, sys.stdout)


main()
