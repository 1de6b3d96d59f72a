"""One question to Zadarma's API: signed, sent, and its answer understood."""

import re

from .. import errors
from ..dialect import GENERAL
from ..http import session
from ..http.question import Question
from ..http.question import ask as ask_question
from . import answers, signature


def ask(account, method, path, read, params=None, bucket=GENERAL, once=False):
    """Return what ``read`` makes of the answer; see :func:`~..http.question.ask`.

    :param read: takes the answer's JSON object; raises ``BadAnswer`` or ``NotFound``
        where that is not what was asked for.
    :param str path: with version and final slash, as it is signed and requested.
    :param dict params: sent as the query (GET) or the form body (the others); flags as
        the text ``true``/``false``; ``None`` is dropped.
    :param bool once: it must not reach the PBX twice.
    """
    question = Question(method, path, params or {}, bucket, once)
    return ask_question(
        account,
        question,
        lambda connection: _send(connection, account, question),
        lambda answer, data: read(
            answers.understand(answer.status, answer.headers, data)
        ),
    )


def _send(connection, account, question):
    if not account.secret or not re.fullmatch(r"[!-~]+", account.key):
        # What was copied with a blank, or not at all, cannot even be sent.
        raise errors.WrongKey("the key or the secret is empty, or no key at all")
    # Built once: the text that is signed is the text that is sent.
    query = signature.encode_params({**question.params, "format": "json"})
    signed = signature.sign_encoded(question.path, query, account.secret)
    url = account.server_url.rstrip("/") + question.path
    headers, body = {"Authorization": f"{account.key}:{signed}"}, None
    if question.method == "GET":
        url = f"{url}?{query}"
    else:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = query.encode()
    return session.send(
        connection,
        question.method,
        url,
        headers=headers,
        data=body,
        patience=account.patience,
    )
