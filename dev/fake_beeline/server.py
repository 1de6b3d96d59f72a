"""The application: the API, the control, the page."""

from flask import Flask

from fake_pbx.page import add_page

from . import api, control
from .pbx import FakePbx


def make_app(account):
    """Return the WSGI application of an account."""
    app = Flask(__name__, static_url_path="/static")
    app.json.sort_keys = False
    app.config["MAX_CONTENT_LENGTH"] = 1024 * 1024
    app.extensions["pbx"] = FakePbx(account)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(control.blueprint)

    add_page(app)

    @app.get("/healthz")
    def health():
        return {"status": "success"}

    return app
