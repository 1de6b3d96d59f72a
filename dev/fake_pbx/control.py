"""What control APIs share: JSON in, JSON out; a mistake gets 4xx and one sentence."""

from flask import request
from jsonschema import Draft202012Validator


class Refused(Exception):
    """What is answered with ``{"status": "error", "message": …}``."""

    def __init__(self, message, status=400):
        super().__init__(message)
        self.message, self.status = message, status


def closed(properties, required=()):
    """Return the schema of an object with these properties and no others."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": properties,
    }


def check(schema, value, what):
    """Refuse a value that the schema does not allow, naming the place."""
    for error in Draft202012Validator(schema).iter_errors(value):
        where = "/".join(str(part) for part in error.absolute_path) or what
        raise Refused(f"{where}: {error.message}")


def request_body(schema=None, what="request"):
    """Return the JSON object that was sent; no body is an empty one."""
    if not request.get_data():
        body = {}
    else:
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            raise Refused(
                "Send a JSON object, with the header Content-Type: application/json."
            )
    if schema:
        check(schema, body, what)
    return body


def whole(name, default):
    """Return a whole number of the query."""
    text = request.args.get(name, str(default))
    if not text.isdigit():
        raise Refused(f"{name} must be a whole number.")
    return int(text)


def refusal(refused):
    """Answer with what was refused; an error handler."""
    return {"status": "error", "message": refused.message}, refused.status
