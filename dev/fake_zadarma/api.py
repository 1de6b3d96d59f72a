"""The REST API, ``/v1/…``: who asks, may they, is it well asked, and the answer."""

import hmac
import json
import time
from dataclasses import dataclass
from urllib.parse import parse_qsl

from flask import Blueprint, Response, current_app, request

from fake_pbx.faults import limit_answer
from telephony.zadarma.signature import sign_request

from . import contract, forms
from .answers import ANSWERS, WRONG_PARAMETERS, Refused, to_json
from .pbx import FakePbx

blueprint = Blueprint("api", __name__)
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"]
FORM = "application/x-www-form-urlencoded"
NUMBER_FIELDS = {"to", "from", "number", "caller_id"}


@dataclass(frozen=True)
class Call:
    """One checked API call: ``values`` are the parameters, typed as the contract says;
    ``arguments`` the placeholders of the path; ``base`` the address we answer at."""

    pbx: FakePbx
    values: dict
    arguments: dict
    base: str

    @property
    def account(self):
        return self.pbx.account


@blueprint.route("/v1/<path:_rest>", methods=METHODS)
def api(_rest):
    """Answer one request, through a fault if one waits for it, and log it."""
    pbx = current_app.extensions["pbx"]
    begun = time.monotonic()
    parameters, untidy = _parameters()
    noted = {}

    def respond():
        try:
            answer = _answer(pbx, parameters, untidy, noted)
        except Refused as refusal:
            answer = _json({"status": "error", "message": refusal.message})
            answer.status_code = refusal.status
        answer.headers.extend(noted.pop("headers", {}))
        return answer

    answer = pbx.account.faults.answer(request.path, respond)
    body = None if answer.is_streamed else answer.get_data(as_text=True)
    pbx.account.journal.add(
        "api",
        at=pbx.account.local(),
        method=request.method,
        path=request.path,
        params=parameters,
        status=answer.status_code,
        reply=_readable(body),
        ms=round((time.monotonic() - begun) * 1000),
        **noted,
    )
    return answer


def _answer(pbx, parameters, untidy, noted):
    account = pbx.account
    if untidy or not _authorized(account, parameters):
        raise Refused("Not authorized", 401)
    operation = contract.find(request.method, request.path)
    if operation is None:
        raise Refused("Wrong method name", 404)
    statistics = request.path.startswith("/v1/statistics")
    verdict = account.limiter.hit("statistics" if statistics else "general")
    noted["headers"] = {
        "X-RateLimit-Limit": str(verdict.limit),
        "X-RateLimit-Remaining": str(verdict.remaining),
        "X-RateLimit-Reset": str(int(time.time()) + verdict.reset),
    }
    if not verdict.allowed:
        return limit_answer(account.limiter.form, verdict.reset)
    values, problems = contract.check_request(operation, parameters, account.mode)
    extra = contract.unknown_parameters(operation, parameters, account.mode)
    problems += [
        (name, f"{name}: the contract has no such parameter") for name in extra
    ]
    if problems:
        noted["problems"] = [sentence for _name, sentence in problems]
    if parameters.get("format", "json") != "json":
        raise Refused()
    wrong = [name for name, _sentence in problems if name not in extra]
    if wrong:
        raise Refused(_wrong(wrong[0]))
    if operation.name not in ANSWERS:
        raise Refused(f"The fake PBX does not play {operation.name}", 501)
    call = Call(pbx, values, operation.arguments, request.host_url.rstrip("/"))
    return _json({"status": "success", **ANSWERS[operation.name](call)})


def _wrong(name):
    if name in NUMBER_FIELDS:
        return "Check phone's number"
    if name == "sip":
        return 'Field "sip" could be only SIP or PBX number'
    return WRONG_PARAMETERS


def _parameters():
    """Return (parameters, untidy): untidy when their encoding cannot have been signed.

    The service rebuilds the signed text from what it parsed, so order does not matter;
    yet a client that sent ``%20`` where it signed ``+`` was refused.
    """
    texts = []
    if request.method in ("GET", "DELETE"):
        texts.append(request.query_string.decode("utf-8", "replace"))
    if request.method != "GET":
        if request.mimetype == FORM:
            texts.append(request.get_data(cache=True).decode("utf-8", "replace"))
        elif request.mimetype == "multipart/form-data":
            return forms.nested(request.form.items(multi=True)), False
    pairs = [pair for text in texts for pair in parse_qsl(text, keep_blank_values=True)]
    return forms.nested(pairs), any("%20" in text for text in texts)


def _authorized(account, parameters):
    key, _colon, signature = request.headers.get("Authorization", "").partition(":")
    expected = sign_request(request.path, parameters, account.secret)
    return hmac.compare_digest(
        key.encode("utf-8", "replace"), account.key.encode()
    ) and hmac.compare_digest(signature.encode("utf-8", "replace"), expected.encode())


def _json(body):
    return Response(to_json(body), mimetype="application/json")


def _readable(body):
    if body is None:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body[:500]
