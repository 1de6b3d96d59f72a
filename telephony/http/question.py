"""One question to a PBX's API: counted, asked once more if need be, and logged."""

import time
from dataclasses import dataclass, field

from .. import errors
from ..dialect import GENERAL, Exchange
from . import answers, masking, session


@dataclass(frozen=True)
class Question:
    """What is asked, as the log may show it once it is masked.

    :var str path: of the API, without the server.
    :var dict params: what is asked for.
    :var str bucket: which of the PBX's limits it counts for.
    :var bool once: it must not reach the PBX twice.
    """

    method: str
    path: str
    params: dict = field(default_factory=dict, repr=False)
    bucket: str = GENERAL
    once: bool = False

    @property
    def may_repeat(self):
        """Whether it may be sent again when the connection breaks."""
        return self.method == "GET" and not self.once


def ask(account, question, send, read):
    """Return what ``read`` makes of the answer.

    A question that may be repeated is tried again, once, when the connection breaks
    before an answer: that is how a connection that was kept open too long ends.

    :param send: sends it over the session it is given; returns an
        :class:`~.session.Answer`.
    :param read: called with the answer and its JSON (``None`` for what is none);
        raises a ``PbxError`` where that is not what was asked for.
    :raises PbxError: see :mod:`~..errors`; ``RateLimited`` also where ``account.wire``
        does not let it pass.
    """
    may_repeat = question.may_repeat
    while True:
        # What counts in one bucket may count in others too: the wire knows.
        account.wire.may_ask(question.bucket)
        try:
            return _ask_once(account, question, send, read)
        except session.ConnectionBroken as broken:
            if not may_repeat:
                raise errors.Unreachable(broken.detail) from broken
            may_repeat = False


def _ask_once(account, question, send, read):
    begun = time.monotonic()
    answer, data, error = session.Answer(0, {}, b""), None, None
    try:
        # What must not be repeated goes over a connection of its own: one that was kept
        # open may turn out to be closed, and nobody could tell what had arrived.
        with session.session_for(account, question.once) as connection:
            answer = send(connection)
        data = answers.read_json(answer.content)
        return read(answer, data)
    except errors.PbxError as raised:
        # The PBX may repeat in its text what it was asked.
        raised.detail = masking.clean(raised.detail, account)
        raised.args = (raised.detail,)
        error = raised
        raise
    finally:
        account.wire.was_asked(
            Exchange(
                method=question.method,
                path=question.path,
                asked=masking.asked(question.params, account),
                status=answer.status,
                answered=masking.answered(data, answer.content, account),
                seconds=time.monotonic() - begun,
                bucket=question.bucket,
                error=error,
            )
        )
