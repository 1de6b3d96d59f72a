"""Zadarma's published contract, with the corrections it is known to need.

``data/zadarma-openapi.json`` is the provider's document; ``data/corrections.json``
lists where it contradicts itself or what was seen live, each with its reason. Used by
the fake PBX to check what it is asked, and by tests to check what it answers and
what a client sends.
"""

import copy
import functools
import json
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker

DATA = Path(__file__).parent / "data"
MODES = ("spec", "live")

_formats = FormatChecker(formats=())


@_formats.checks("uri")
def _is_uri(value):
    parts = urlsplit(value)
    return bool(parts.scheme and parts.netloc)


class Operation(NamedTuple):
    """One operation of the document: ``GET /v1/pbx/internal/{pbxsip}/status``."""

    name: str
    method: str
    path: str
    arguments: dict


@functools.cache
def _document():
    return json.loads((DATA / "zadarma-openapi.json").read_text())


@functools.cache
def corrections():
    """Return the list of corrections; see the file for their shape."""
    return json.loads((DATA / "corrections.json").read_text())["corrections"]


@functools.cache
def _routes():
    routes = []
    for path, operations in _document()["paths"].items():
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + "/?")
        for method in operations:
            routes.append((method.upper(), path, pattern))
    # A literal path before one with a placeholder in the same place.
    return sorted(routes, key=lambda route: route[1].count("{"))


def find(method, path):
    """Return the :class:`Operation` a request means, or ``None``.

    The final slash is accepted and left out, as the live service does.
    """
    for known, template, pattern in _routes():
        match = pattern.fullmatch(path)
        if match and known == method:
            name = f"{method} {template}"
            return Operation(name, method, template, match.groupdict())
    return None


def _raw(name):
    method, path = name.split(" ", 1)
    return _document()["paths"][path][method.lower()]


def _parameters(operation):
    """Return one object schema for all parameters outside the path."""
    schema = {"type": "object", "properties": {}, "required": []}
    for parameter in operation.get("parameters", ()):
        if parameter["in"] != "query":
            continue
        inner = parameter["schema"]
        # The document shows most GET parameters as one object named "params"; what is
        # sent are flat parameters.
        if inner.get("type") == "object":
            schema["properties"].update(inner["properties"])
            schema["required"] += inner.get("required", [])
        else:
            schema["properties"][parameter["name"]] = inner
            if parameter.get("required"):
                schema["required"].append(parameter["name"])
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema["properties"].update(content["schema"].get("properties", {}))
        schema["required"] += content["schema"].get("required", [])
    return schema


def _json_schema(schema):
    """Translate OpenAPI 3.0's ``nullable``, and drop what only documents."""
    if isinstance(schema, list):
        return [_json_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    done = {key: _json_schema(value) for key, value in schema.items()}
    if done.pop("nullable", False) is True:
        done["type"] = [done["type"], "null"]
    return done


def _correct(schema, name, part, mode):
    for correction in corrections():
        if correction["call"] != name or correction["part"] != part:
            continue
        if mode not in correction["modes"]:
            continue
        *parents, last = correction["at"].split("/")
        holder = schema
        for key in parents:
            holder = holder[int(key) if isinstance(holder, list) else key]
        if "value" in correction:
            holder[last] = correction["value"]
        else:
            del holder[last]
    return schema


def uncorrected(name, part):
    """Return a copy of what the document itself says of a ``request`` or ``answer``."""
    if part == "request":
        return copy.deepcopy(_parameters(_raw(name)))
    content = _raw(name)["responses"]["200"]["content"]
    return copy.deepcopy(content["application/json"]["schema"])


@functools.cache
def request_schema(name, mode):
    """Return the JSON schema of an operation's parameters (path ones excluded)."""
    return _json_schema(_correct(uncorrected(name, "request"), name, "request", mode))


@functools.cache
def answer_schema(name, mode, status=200):
    """Return the JSON schema of an operation's answer.

    The document describes the body of an error for a few operations only; the same
    body is used by all.
    """
    if status != 200:
        described = _raw("GET /v1/webrtc/get_key")["responses"]["400"]
        return _json_schema(described["content"]["application/json"]["schema"])
    return _json_schema(_correct(uncorrected(name, "answer"), name, "answer", mode))


@functools.cache
def _path_schemas(name):
    return {
        parameter["name"]: parameter["schema"]
        for parameter in _raw(name).get("parameters", ())
        if parameter["in"] == "path"
    }


def check_request(operation, parameters, mode):
    """Check an operation's parameters, all texts as they came in.

    :return: (values, problems): values with the types the document wants; problems is
        a list of (parameter name, sentence), empty when all is well.
    """
    schema = request_schema(operation.name, mode)
    values = {
        name: _typed(value, schema["properties"].get(name, {}).get("type"))
        for name, value in parameters.items()
    }
    problems = _problems(schema, values)
    for name, inner in _path_schemas(operation.name).items():
        problems += _problems(inner, operation.arguments[name], name)
    return values, problems


def unknown_parameters(operation, parameters, mode):
    """Return the names that the document does not have (``format`` belongs to all)."""
    known = request_schema(operation.name, mode)["properties"]
    return sorted(set(parameters) - set(known) - {"format"})


def check_answer(operation, body, mode, status=200):
    """Return what is wrong with an answer, a list of sentences."""
    schema = answer_schema(operation.name, mode, status)
    return [sentence for _name, sentence in _problems(schema, body)]


def _problems(schema, value, name=""):
    validator = Draft202012Validator(schema, format_checker=_formats)
    found = []
    for error in validator.iter_errors(value):
        where = "/".join(str(part) for part in error.absolute_path)
        found.append((name or where, f"{name or where or 'body'}: {error.message}"))
    return found


def _typed(value, kind):
    """Read a text as the type the document names; what cannot be read stays text."""
    if kind == "integer" and isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        return int(value)
    if kind == "boolean" and value in ("true", "false", "1", "0"):
        return value in ("true", "1")
    if kind == "array" and isinstance(value, dict):
        return list(value.values())
    return value
