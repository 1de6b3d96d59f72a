"""What stands before an Odoo with workers: it leads the websocket to its own port."""

import socket
import threading
from contextlib import suppress

CHUNK = 65536


class Proxy:
    """Leads each connection by the path of its first request.

    A websocket has a connection of its own, so that is enough.
    """

    def __init__(self, http_port: int, websocket_port: int):
        self.http_port, self.websocket_port = http_port, websocket_port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with suppress(OSError):  # closed
            while True:
                near, _address = self.listener.accept()
                threading.Thread(target=self._lead, args=[near], daemon=True).start()

    def _lead(self, near):
        with near:
            first = near.recv(CHUNK)
            is_websocket = first.startswith(b"GET /websocket")
            port = self.websocket_port if is_websocket else self.http_port
            try:
                far = socket.create_connection(("127.0.0.1", port))
            except OSError:
                return  # nobody is there: the browser will try again
            with far:
                far.sendall(first)
                back = threading.Thread(target=_pour, args=[far, near], daemon=True)
                back.start()
                _pour(near, far)
                back.join()

    def close(self):
        self.listener.close()


def _pour(source, sink):
    """Give on what comes until either side ends, then end both."""
    with suppress(OSError):
        while data := source.recv(CHUNK):
            sink.sendall(data)
    for one in (source, sink):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
