"""The configuration that Asterisk needs, written out with the values of an account.

The texts stand in ``templates/`` and were run as they stand: functions of the dialplan
are evaluated inside out, and a blank more is a blank in a value. Values are written out
literally, since every ARI user can read the dialplan's global variables.
"""
# There is no env here: ``_`` marks a text, and models translate what they show.
# pylint: disable=prefer-env-translation

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from ..dialect import _

_TEMPLATES = Path(__file__).with_name("templates")
# What Asterisk includes.
INCLUDED = (
    "cloud_pbx_cel.conf",
    "cloud_pbx_cel_custom.conf",
    "cloud_pbx_extensions.conf",
    "cloud_pbx_ari.conf",
)
# What an administrator reads.
README, EXAMPLE = "README", "example_inbound.conf"
NAMES = (*INCLUDED, README, EXAMPLE)
# A repair of the texts for people need not be installed.
_VERSIONED = (*INCLUDED, EXAMPLE)
_VERSION_DIGITS = 8

_NAMED = re.compile(r"<(url|secret|login|password|recordings|context)>")
_VERSION = "<v>"

TECHNOLOGY = "asterisk_technology"
CONTEXT = "asterisk_context"
TRUNKS = "asterisk_trunks"
RING_SECONDS = "asterisk_ring_seconds"
DIAL_FORMAT = "asterisk_dial_format"
DIAL_PREFIX = "asterisk_dial_prefix"
RECORDINGS = "asterisk_recordings"
OPTIONS = (
    TECHNOLOGY,
    CONTEXT,
    TRUNKS,
    RING_SECONDS,
    DIAL_FORMAT,
    DIAL_PREFIX,
    RECORDINGS,
)
DEFAULTS = {
    TECHNOLOGY: "PJSIP",
    CONTEXT: "from-internal",
    TRUNKS: "",
    RING_SECONDS: 20,
    DIAL_FORMAT: "digits",
    DIAL_PREFIX: "",
    RECORDINGS: "/var/spool/asterisk/recording",
}

_WORD = re.compile(r"[A-Za-z0-9_-]*")
_ENDPOINT = r"[A-Za-z0-9_.+@/ -]*(?:\* *)?"
# A quote, "$", ";" or "}" would end what it stands in, a comma begins an argument.
_PLAIN = re.compile(r"[^\"'$,;\\\s\x00-\x1f\x7f]*")
_FOLDER = re.compile(r"(?:/[^\"'$,;\\\s\x00-\x1f\x7f]*)?")
_WORD_ALLOWED = _("Latin letters, digits, “_” and “-”")
_PLAIN_ALLOWED = _(
    "no quotes, “$”, comma, semicolon, backslash, blanks or control characters"
)
_FOLDER_ALLOWED = _(
    "a folder that begins with “/”, without quotes, “$”, comma, semicolon, backslash, "
    "blanks or control characters"
)
# ``(field, pattern, what is allowed)`` of all that is written into the files or sent
# as part of a command.
RULES = (
    ("login", _WORD, _WORD_ALLOWED),
    ("api_key", _WORD, _WORD_ALLOWED),
    ("api_secret", _WORD, _WORD_ALLOWED),
    ("webhook_url", _PLAIN, _PLAIN_ALLOWED),
    (TECHNOLOGY, re.compile(r"[A-Za-z0-9_]*"), _("Latin letters, digits and “_”")),
    (CONTEXT, _WORD, _WORD_ALLOWED),
    (
        TRUNKS,
        re.compile(rf"{_ENDPOINT}(?:,{_ENDPOINT})*"),
        _("names of endpoints, separated by commas; “*” at the end of one"),
    ),
    (DIAL_PREFIX, re.compile(r"[0-9*#+]*"), _("digits, “*”, “#” and “+”")),
    (RECORDINGS, _FOLDER, _FOLDER_ALLOWED),
)


def option(account, name):
    """Return a setting of this dialect's own; where it is empty, what is usual."""
    return account.options.get(name) or DEFAULTS[name]


def _values(account):
    return {
        "login": account.login,
        "api_key": account.key,
        "api_secret": account.secret,
        "webhook_url": account.webhook_url,
        **{name: str(account.options.get(name) or "") for name in OPTIONS},
    }


def find_unfit(account):
    """Return ``(field, what is allowed)`` of the first value that would break the
    files; ``None`` if all can be written. What is allowed is a marked text."""
    values = _values(account)
    for name, pattern, allowed in RULES:
        if not pattern.fullmatch(values[name]):
            return name, allowed
    return None


@lru_cache(1)
def _templates():
    return {
        name: (_TEMPLATES / name).read_text(encoding="utf-8", errors="strict")
        for name in NAMES
    }


def _written(account):
    """Return the texts with all values but the version."""
    values = {
        "url": account.webhook_url,
        "secret": account.secret,
        "login": account.login,
        "password": account.key,
        "recordings": option(account, RECORDINGS),
        "context": option(account, CONTEXT),
    }
    return {
        name: _NAMED.sub(lambda found: values[found[1]], text)
        for name, text in _templates().items()
    }


def _version_of(texts):
    everything = "\0".join(texts[name] for name in _VERSIONED)
    return hashlib.sha256(everything.encode()).hexdigest()[:_VERSION_DIGITS]


def version(account):
    """Return the short text by which Asterisk tells which files it runs."""
    return _version_of(_written(account))


def render(account):
    """Return ``{file name: text}``. The texts hold secrets.

    :raises ValueError: a value would break them; see :func:`find_unfit`.
    """
    if unfit := find_unfit(account):
        raise ValueError(f"{unfit[0]} cannot be written into the files")
    texts = _written(account)
    version = _version_of(texts)
    return {name: text.replace(_VERSION, version) for name, text in texts.items()}
