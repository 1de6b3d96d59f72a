"""Why a call failed, as a sentence for who reads it."""

from ...telephony import errors
from ...telephony.failure import Failure

# What a refusal of the PBX means for the call that was asked for.
_FAILURES = {
    errors.NoMoney: Failure.NO_MONEY,
    errors.NoPhone: Failure.PHONE_OFFLINE,
    errors.RateLimited: Failure.TOO_MANY_QUESTIONS,
    errors.WrongKey: Failure.WRONG_KEY,
    errors.NotEntered: Failure.WRONG_KEY,
    errors.AddressNotAllowed: Failure.WRONG_KEY,
}


def failure_of(error):
    """Return the :class:`Failure` that a ``PbxError`` means, ``""`` for none."""
    return _FAILURES.get(type(error), "")


def explain_failure(env, failure, pbx):
    """Return what happened, and what the reader can do about it.

    :param failure: a :class:`Failure` or its value.
    :param str pbx: what the PBX is called.
    """
    is_admin = env.user.has_group("base.group_system")
    if failure == Failure.NO_MONEY:
        if is_admin:
            return env._("The PBX account has no money: top it up at %s.", pbx)
        return env._("The PBX account has no money: tell the administrator.")
    if failure == Failure.LIMIT:
        if is_admin:
            return env._("A limit of the PBX account is used up: raise it at %s.", pbx)
        return env._("A limit of the PBX account is used up: tell the administrator.")
    if failure == Failure.NOT_ALLOWED:
        if is_admin:
            return env._("%s does not allow calls to this number.", pbx)
        return env._(
            "The PBX does not allow calls to this number: tell the administrator."
        )
    if failure == Failure.WRONG_KEY:
        if is_admin:
            return env._("%s does not accept Odoo's keys: open the cloud PBX.", pbx)
        return env._("The PBX does not accept Odoo's key: tell the administrator.")
    return {
        Failure.LINES_TAKEN: env._(
            "All lines of the PBX were taken: try again in a moment."
        ),
        Failure.WRONG_NUMBER: env._("There is no such number: check it."),
        Failure.PHONE_OFFLINE: env._("The phone was not connected to the PBX."),
        Failure.NOT_CONNECTED: env._("The PBX could not put the call through."),
        Failure.TOO_MANY_QUESTIONS: env._(
            "The PBX was asked too often: try again in a minute."
        ),
        Failure.NOTHING_HEARD: env._("The PBX reported nothing of this call."),
    }[failure]
