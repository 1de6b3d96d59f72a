"""What a log may keep of a question and its answer: no key, no link, no address."""

import json
import re
from urllib.parse import quote, quote_plus

# Longer texts are cut: a log is for reading.
LONGEST = 4000
HIDDEN = "***"
# Fields whose values are secrets, or open a door.
_SECRET_FIELDS = frozenset(
    "url link links password key api_key secret token signature authorization".split()
)
_ADDRESS = re.compile(r"https?:(?:\\?/){2}[^\s\"'<>\\]*(?:\\/[^\s\"'<>\\]*)*", re.I)


def _secrets(account):
    """Return what must not be shown, in every form in which it may be written."""
    plain = [account.key, account.secret, account.former_secret, account.webhook_url]
    # The webhook's token is the last part of its path.
    plain.append(account.webhook_url.rstrip("/").rpartition("/")[2])
    forms = {form(text) for text in plain for form in (str, quote, quote_plus)}
    # Shorter than that would be everywhere, and would protect nothing.
    return sorted((text for text in forms if len(text) > 3), key=len, reverse=True)


def clean(text, account):
    """Return ``text`` without the account's secrets and without any web address."""
    text = _ADDRESS.sub(HIDDEN, text)
    for secret in _secrets(account):
        text = text.replace(secret, HIDDEN)
    return text.replace("\0", " ")[:LONGEST]


def _hide(value):
    if isinstance(value, dict):
        return {
            name: HIDDEN
            if str(name).lower() in _SECRET_FIELDS and item
            else _hide(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_hide(item) for item in value]
    return value


def asked(params, account):
    """Return what was asked, ``name=value`` by line."""
    lines = (f"{name}={value}" for name, value in _hide(params).items())
    return clean("\n".join(lines), account)


def answered(data, content, account):
    """Return what was answered.

    :param data: the JSON as read, or ``None`` where it could not be.
    :param bytes content: as it came, for what is no JSON.
    """
    if data is None:
        text = content[: 2 * LONGEST].decode("utf-8", "replace")
    else:
        text = json.dumps(_hide(data), ensure_ascii=False)
    return clean(text, account)
