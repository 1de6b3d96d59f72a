"""The addon's own files, as Odoo loads them."""

import hashlib
import os

from .paths import CHECKOUT

# What a server never loads: a change in it needs no update of a database.
ASIDE = {"dev", "docs", "tests", "dist", "node_modules", "__pycache__"}


def fingerprint() -> str:
    """A hash of the code: a database made with another one must be updated."""
    digest = hashlib.sha256()
    for folder, names, files in os.walk(CHECKOUT):
        names[:] = sorted(
            name for name in names if name not in ASIDE and not name.startswith(".")
        )
        for name in sorted(files):
            path = os.path.join(folder, name)
            digest.update(os.path.relpath(path, CHECKOUT).encode() + b"\0")
            with open(path, "rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
