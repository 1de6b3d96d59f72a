"""The page of a PBX: its own files at /static, what all pages share at /shared."""

from flask import Blueprint


def add_page(app):
    """Serve ``index.html`` of the application's folder, and what pages share."""
    shared = Blueprint(
        "shared", __name__, static_folder="static", static_url_path="/shared"
    )
    app.register_blueprint(shared)

    @app.get("/")
    def page():
        answer = app.send_static_file("index.html")
        answer.headers["Content-Security-Policy"] = "default-src 'self'"
        answer.headers["Cache-Control"] = "no-cache"
        return answer
