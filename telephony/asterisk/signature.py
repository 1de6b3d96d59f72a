"""The proof of what Asterisk posts: ``sig``, the last field, over all bytes before it.

``SHA1(secret + SHA1(secret + body))`` in lower-case hexadecimal digits: what the
dialplan's own functions can make, and no plain hash that can be gone on with.
"""

import hashlib
import hmac
import re

_MARK = b"&sig="
_DIGEST = re.compile(rb"[0-9a-f]{40}")


def _sha1(content):
    return hashlib.sha1(content, usedforsecurity=False).hexdigest().encode()


def sign(body, secret):
    """Return the digits that prove ``body`` (bytes, without ``sig``), as bytes."""
    key = secret.encode()
    return _sha1(key + _sha1(key + body))


def signed(body, secret):
    """Return ``body`` with its proof, as it is posted."""
    return body + _MARK + sign(body, secret)


def split(body):
    """Return ``(what is signed, the given proof)``; the proof is ``b""`` where there
    is none, or where it is not the last field."""
    content, mark, given = body.rpartition(_MARK)
    if not mark or not _DIGEST.fullmatch(given):
        return body, b""
    return content, given


def proving_secret(content, given, secrets):
    """Return which of ``secrets`` proves ``content``, in constant time; ``""``: none.

    All are tried, whichever fits: how long it takes tells nothing. Empty ones prove
    nothing.
    """
    proving = [
        secret
        for secret in secrets
        if secret and given and hmac.compare_digest(sign(content, secret), given)
    ]
    return proving[0] if proving else ""
