"""The server: one Flask application on 127.0.0.1, one thread per request."""

import logging
import signal
import sys

from flask import Flask
from werkzeug.serving import make_server

from . import api, control, methods_account, methods_pbx, methods_statistics, recordings
from .account import Account
from .pbx import FakePbx

HOST = "127.0.0.1"
# These modules register what they play; naming them shows that they are needed.
PLAYED = (methods_account, methods_pbx, methods_statistics)


def make_app(account):
    """Return the WSGI application of an account."""
    app = Flask(__name__, static_url_path="/static")
    app.json.sort_keys = False
    app.config["MAX_CONTENT_LENGTH"] = 1024 * 1024
    app.extensions["pbx"] = FakePbx(account)
    app.register_blueprint(recordings.blueprint)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(control.blueprint)

    @app.get("/")
    def page():
        answer = app.send_static_file("index.html")
        answer.headers["Content-Security-Policy"] = "default-src 'self'"
        answer.headers["Cache-Control"] = "no-cache"
        return answer

    @app.get("/healthz")
    def health():
        return {"status": "success"}

    return app


def make(port, account):
    """Return a server that listens already but does not answer yet; port 0: any."""
    server = make_server(HOST, port, make_app(account), threaded=True)
    # What is still being sent or answered shall not hold the end back.
    server.daemon_threads = True
    return server


def serve(port, key, secret, mode, zone):
    """Serve until SIGTERM or Ctrl-C; a busy port is one sentence and exit code 1."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    try:
        server = make(port, Account(key, secret, mode, zone))
    except (OSError, SystemExit):
        sys.exit(f"Port {port} cannot be used: give another one with --port.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"listening on http://{HOST}:{server.port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)
