"""The application: the API, its recordings, the control, the page."""

from flask import Flask

from fake_pbx.page import add_page

from . import api, control, methods_account, methods_pbx, methods_statistics, recordings
from .pbx import FakePbx

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

    add_page(app)

    @app.get("/healthz")
    def health():
        return {"status": "success"}

    return app
