"""The register of API methods that the fake PBX plays, and how one refuses."""

import json
import re

from fake_pbx import control

ANSWERS = {}

WRONG_PARAMETERS = "Wrong parameters"


class Refused(control.Refused):
    """An error the API answers with."""

    def __init__(self, message=WRONG_PARAMETERS, status=400):
        super().__init__(message, status)


# A character of the private area marks a text that JSON shows as a number.
_MARK = "\ue000"


def json_number(text):
    """Return ``text`` so that :func:`to_json` writes it as a number, digit by digit.

    Through a float the last decimals of a call's id would be lost on our side already.
    """
    return _MARK + text


def to_json(body):
    return re.sub(r'"\\ue000([0-9.]+)"', r"\1", json.dumps(body))


def answers(name):
    """Register a method under its operation: ``GET /v1/info/balance``.

    It is called as ``method(call)`` with a :class:`~.api.Call` and returns the fields
    of the answer besides ``status``.
    """

    def register(method):
        ANSWERS[name] = method
        return method

    return register
