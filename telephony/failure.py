"""Why a call failed, in no vendor's words.

A dialect says which of its PBX's words mean what: ``Dialect.failures``. A word that it
does not know is shown as reported.
"""

from enum import StrEnum


class Failure(StrEnum):
    """Why nobody could be reached, apart from busy and no answer."""

    # Nothing is left on the account.
    NO_MONEY = "no_money"
    # A limit of the account is used up: of money, of minutes, of a day.
    LIMIT = "limit"
    # As many calls go on as the account may have at once.
    LINES_TAKEN = "lines_taken"
    # There is no such number.
    WRONG_NUMBER = "wrong_number"
    # The PBX does not let this account call there.
    NOT_ALLOWED = "not_allowed"
    # Our own phone is not connected.
    PHONE_OFFLINE = "phone_offline"
    # The call could not be put through, and no more is known.
    NOT_CONNECTED = "not_connected"
    # The PBX did not take what Odoo asked for: too many questions, or the keys.
    TOO_MANY_QUESTIONS = "too_many_questions"
    WRONG_KEY = "wrong_key"
    # Odoo asked for a call, and nothing was heard of it.
    NOTHING_HEARD = "nothing_heard"
