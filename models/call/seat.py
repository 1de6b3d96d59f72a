"""Whose phone had a part in a call: a value, and the moment it depends on."""

from datetime import datetime
from typing import NamedTuple


class Seat(NamedTuple):
    """An internal number as it is entered here, and its users at some moment.

    :var bool is_stale: it is not known whether its phone is online, or no longer.
    """

    extension_id: int | bool = False
    user_ids: tuple = ()
    is_stale: bool = False

    @property
    def user_id(self):
        """Its only user; several: which of them, only they know."""
        return self.user_ids[0] if len(self.user_ids) == 1 else False


class Moment(NamedTuple):
    """When an internal number was first heard of in a call.

    :var at: naive UTC.
    :var event_id: of the inbox, ``None`` for what did not come through it.
    """

    at: datetime
    event_id: int | None = None
