"""What strangers can cause must not fill the log."""

import time

# One line in so many seconds for each kind.
PAUSE_SECONDS = 60
_last_logged = {}


def is_due(kind):
    """Tell whether something of this kind is to be logged again; remember that it was.

    :param tuple kind: made of our own words and ids alone: it is kept in memory, and
        what a stranger writes would fill that.
    """
    now = time.monotonic()
    if now - _last_logged.get(kind, -PAUSE_SECONDS) < PAUSE_SECONDS:
        return False
    _last_logged[kind] = now
    return True


def forget():
    """Let everything be logged again, as tests want it."""
    _last_logged.clear()
