"""Servers that behave oddly, for tests of what a client makes of them."""

import socket
import threading
from contextlib import contextmanager

from fake_account import KEY, SECRET

from telephony import errors
from telephony.dialect import Account, Wire

OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s"
BALANCE = b'{"status":"success","balance":1.5,"currency":"USD"}'


def answer(body=BALANCE, head=b""):
    return OK % (len(body), head, body)


@contextmanager
def served(*talks):
    """A server on a free port. Each talk serves one connection: ``talk(socket)``.

    Yields the address; ``.requests`` are the heads of the requests that came.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(0.05)
    requests, over = [], threading.Event()

    def accepted():
        while not over.is_set():
            try:
                return listening.accept()[0]
            except TimeoutError:
                continue
        raise ConnectionAbortedError

    def run():
        for talk in talks:
            try:
                connection = accepted()
            except OSError:
                return
            with connection:
                connection.settimeout(2)
                try:
                    talk(Peer(connection, requests))
                except OSError:
                    pass  # the client went away: that is what is tested

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    server = Served(f"http://127.0.0.1:{listening.getsockname()[1]}")
    server.requests = requests
    try:
        yield server
    finally:
        over.set()
        thread.join(5)
        listening.close()


class Served(str):
    pass


class Peer:
    def __init__(self, connection, requests):
        self.connection, self.requests = connection, requests

    def hear(self):
        text = b""
        while b"\r\n\r\n" not in text:
            piece = self.connection.recv(4096)
            if not piece:
                return False
            text += piece
        self.requests.append(text.decode())
        return True

    def say(self, data):
        self.connection.sendall(data)


def once(data):
    def talk(peer):
        peer.hear()
        peer.say(data)

    return talk


def hang_up(peer):
    peer.hear()


class Noting(Wire):
    def __init__(self, limit=None):
        self.buckets, self.noted, self.limit = [], [], limit

    def may_ask(self, bucket):
        if self.limit is not None and len(self.buckets) >= self.limit:
            raise errors.RateLimited("", retry_after=7)
        self.buckets.append(bucket)

    def was_asked(self, exchange):
        self.noted.append(exchange)


def account_at(url, wire=None, **more):
    return Account(
        key=KEY, secret=SECRET, server_url=url, wire=wire or Noting(), **more
    )
