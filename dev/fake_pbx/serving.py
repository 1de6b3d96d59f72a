"""Serving a Flask application on 127.0.0.1, as a process or inside a test."""

import logging
import signal
import sys
import threading
from contextlib import contextmanager

from werkzeug.serving import make_server

HOST = "127.0.0.1"


def listen(app, port):
    """Return a server that listens already but does not answer yet; port 0: any."""
    server = make_server(HOST, port, app, threaded=True)
    # What is still being sent or answered shall not hold the end back.
    server.daemon_threads = True
    return server


def serve(app, port):
    """Serve until SIGTERM or Ctrl-C; a busy port is one sentence and exit code 1."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    try:
        server = listen(app, port)
    except (OSError, SystemExit):
        sys.exit(f"Port {port} cannot be used: give another one with --port.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"listening on http://{HOST}:{server.port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


@contextmanager
def served(app):
    """Serve on a free port for the length of a ``with`` block; gives the address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = listen(app, 0)
    # Asked often whether it shall end: a test does not wait for it.
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.port}"
    finally:
        server.shutdown()
        server.server_close()
