"""Zadarma's signatures: of requests to its API and of the webhooks it sends.

Both are the base64 text of the *lower-case hexadecimal digest* (40 characters, not the
raw 20 bytes) of an HMAC-SHA1, hence always 56 characters. Source: the official PHP and
Python SDKs; standard library only.
"""

import base64
import hashlib
import hmac
from urllib.parse import quote_plus

# Signed fields by event, concatenated without a separator (PHP SDK, event classes).
_START = ("caller_id", "called_did", "call_start")
_OUTBOUND = ("internal", "destination", "call_start")
_RESULT = ("result",)
SIGNED_FIELDS = {
    "NOTIFY_START": _START,
    "NOTIFY_INTERNAL": _START,
    "NOTIFY_END": _START,
    "NOTIFY_IVR": _START,
    "NOTIFY_ANSWER": ("caller_id", "destination", "call_start"),
    "NOTIFY_OUT_START": _OUTBOUND,
    "NOTIFY_OUT_END": _OUTBOUND,
    "NOTIFY_RECORD": ("pbx_call_id", "call_id_with_rec"),
    # Not in any SDK: two independent integrators sign the raw text of ``result``.
    "SMS": _RESULT,
    "NUMBER_LOOKUP": _RESULT,
    "CALL_TRACKING": _RESULT,
    "SPEECH_RECOGNITION": _RESULT,
    "DOCUMENT": _RESULT,
}
# An event that is not documented: the two rules that all documented ones follow.
UNKNOWN_EVENT_RULES = (_START, _RESULT)


def _hex64(secret, text):
    # Surrogates: what is no text must be refused by comparison, not by an exception.
    message = text.encode("utf-8", "surrogatepass")
    digest = hmac.new(secret.encode(), message, hashlib.sha1).hexdigest()
    return base64.b64encode(digest.encode()).decode()


def _pairs(name, value):
    if value is None:
        return
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _pairs(f"{name}[{key}]", item)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _pairs(f"{name}[{index}]", item)
    else:
        yield name, str(value)


def _escape(text):
    # PHP's RFC 1738 form also escapes the tilde, which Python leaves alone.
    return quote_plus(text, safe="").replace("~", "%7E")


def encode_params(params):
    """Return the one query text that is both signed and sent.

    :param dict params: values are text, numbers, lists or dicts; ``None`` is dropped.
        Only the top level is sorted. Booleans are not what the API wants: pass the
        text ``true``/``false`` where it asks for flags.
    """
    return "&".join(
        f"{_escape(name)}={_escape(value)}"
        for top in sorted(params)
        for name, value in _pairs(top, params[top])
    )


def sign_request(path, params, secret):
    """Return the signature of an API request (the part after ``key:``).

    :param str path: path with version and slashes exactly as requested, no host,
        no query (``/v1/info/balance/``).
    :param dict params: all parameters sent, file parts excluded.
    :param str secret: the account's secret.
    """
    return sign_encoded(path, encode_params(params), secret)


def sign_encoded(path, query, secret):
    """Return the signature of a request whose ``query`` text is built already."""
    checksum = hashlib.md5(query.encode(), usedforsecurity=False).hexdigest()
    return _hex64(secret, path + query + checksum)


def signed_text(names, fields):
    """Return the text that is signed where the fields ``names`` are."""
    values = (fields.get(name) for name in names)
    return "".join(v if isinstance(v, str) else "" for v in values)


def _sign_fields(names, fields, secret):
    return _hex64(secret, signed_text(names, fields))


def sign_event(event, fields, secret):
    """Return the ``Signature`` header of a webhook.

    :param str event: ``NOTIFY_START`` …; an unknown event is signed by START's rule,
        or by that of ``result`` when that field is there and START's are not.
    :param dict fields: the form fields as received (``+`` and all); a missing one
        counts as empty text.
    """
    names = SIGNED_FIELDS.get(event)
    if names is None:
        names = _START if any(fields.get(n) for n in _START) else _RESULT
    return _sign_fields(names, fields, secret)


def check_event(event, fields, secret, signature):
    """Tell whether ``signature`` proves ``fields``; in constant time.

    A missing secret or a missing signature is a refusal. For an unknown event START's
    rule, then that of ``result``, is tried.
    """
    return bool(proven_fields(event, fields, (secret,), signature))


def proven_fields(event, fields, secrets, signature):
    """Return the names of the fields that ``signature`` proves, ``()``: it does not.

    All rules and secrets are tried, whichever fits: how long it takes tells nothing.

    :param secrets: any of them may have signed; empty ones prove nothing.
    """
    if not signature:
        return ()
    rules = (SIGNED_FIELDS[event],) if event in SIGNED_FIELDS else UNKNOWN_EVENT_RULES
    # A rule none of whose fields is there would sign the empty text, the same for
    # every such event: that proves nothing.
    rules = [names for names in rules if any(fields.get(name) for name in names)]
    given = signature.encode("utf-8", "surrogatepass")
    proven = [
        names
        for names in rules
        for secret in secrets
        if secret
        and hmac.compare_digest(_sign_fields(names, fields, secret).encode(), given)
    ]
    return proven[0] if proven else ()
