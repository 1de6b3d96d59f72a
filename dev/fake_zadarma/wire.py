"""From a step of a scenario to the signed HTTP request that Zadarma would send."""

import secrets
import string
from dataclasses import dataclass
from urllib.parse import urlencode

import requests

from fake_pbx import posting
from telephony.zadarma.signature import sign_event

# Captured as multipart forms with an agent of their own; call events are plain forms.
MULTIPART_EVENTS = {
    "SMS",
    "NUMBER_LOOKUP",
    "CALL_TRACKING",
    "SPEECH_RECOGNITION",
    "DOCUMENT",
}
ECHO_ALPHABET = string.ascii_letters + string.digits + "_.-"


@dataclass(frozen=True)
class Rendered:
    """A request before it is sent; ``body`` is bytes."""

    event: str
    fields: dict
    body: bytes
    headers: dict

    def as_json(self):
        """As ``/control/render`` gives it: the body as the text it is (UTF-8)."""
        return {
            "event": self.event,
            "fields": self.fields,
            "body": self.body.decode(),
            "headers": self.headers,
        }


def flat(fields):
    """Return nested fields as (name, text) pairs: ``wait_dtmf[name]``."""
    pairs = []
    for name, value in fields.items():
        if isinstance(value, dict):
            pairs += [(f"{name}[{key}]", item) for key, item in value.items()]
        else:
            pairs.append((name, value))
    return pairs


def render(step, secret):
    """Sign and encode one webhook.

    :param str secret: empty: the account has no API key, so nothing is signed.
    """
    signature = {"Signature": sign_event(step.event, step.fields, secret)}
    headers = signature if secret else {}
    if step.event in MULTIPART_EVENTS:
        boundary = f"------------------------{secrets.token_hex(8)}"
        body = _multipart(flat(step.fields), boundary)
        headers = {
            **headers,
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "User-Agent": "Zadarma API",
            "Expect": "100-continue",
        }
    else:
        body = urlencode(flat(step.fields)).encode()
        headers = {
            **headers,
            "Content-Type": "application/x-www-form-urlencoded",
            "User-Agent": "Zadarma API v1",
        }
    return Rendered(step.event, step.fields, body, headers)


def _multipart(pairs, boundary):
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        f"{value}\r\n"
        for name, value in pairs
    ]
    return "".join([*parts, f"--{boundary}--\r\n"]).encode()


def deliver(url, rendered, timeout):
    """POST a webhook; a failure is told in the result, never raised."""
    return posting.deliver(url, rendered.body, rendered.headers, timeout)


def probe(url, timeout=5):
    """Ask a webhook address for an echo, as saving it does.

    :return: ``None`` when it answers rightly, else one sentence on what is wrong.
    """
    text = "".join(
        secrets.choice(ECHO_ALPHABET) for _ in range(8 + secrets.randbelow(57))
    )
    if not url.lower().startswith(("http://", "https://")):
        return f"{url!r} is no address: it must begin with http:// or https://."
    address = f"{url}{'&' if '?' in url else '?'}{urlencode({'zd_echo': text})}"
    try:
        with posting.session() as session:
            answer = session.get(
                address,
                timeout=timeout,
                allow_redirects=False,
                headers={"User-Agent": "Zadarma API v1"},
            )
    except requests.RequestException as error:
        return f"The address could not be reached: {posting.reason(error)}"
    if answer.status_code != 200:
        return f"The address answered {answer.status_code} to zd_echo, it must be 200."
    if answer.content != text.encode():
        return "The address did not return the text of zd_echo and nothing else."
    return None
