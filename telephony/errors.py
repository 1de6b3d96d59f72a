"""What can go wrong when a PBX is asked: a small family, each explained to a person.

``detail`` is the PBX's own text (or the network's), never a key, a signature or a link.
"""


class PbxError(Exception):
    """The PBX was asked and it did not work. ``code`` names the kind."""

    code = "error"

    def __init__(self, detail=""):
        super().__init__(detail)
        self.detail = detail


class WrongKey(PbxError):
    """The key or the secret is not accepted."""

    code = "wrong_key"


class NotEntered(WrongKey):
    """There is no key: nothing was asked. ``detail`` is a sentence for people."""

    code = "not_entered"


class AddressNotAllowed(PbxError):
    """The key is good, but not from this address."""

    code = "address_not_allowed"


class RateLimited(PbxError):
    """Too many questions; ``retry_after`` is in seconds."""

    code = "rate_limited"

    def __init__(self, detail="", retry_after=60):
        super().__init__(detail)
        self.retry_after = retry_after


class NoMoney(PbxError):
    """The account has no money left."""

    code = "no_money"


class BadParameter(PbxError):
    """The PBX does not accept what was asked for."""

    code = "bad_parameter"


class NoPhone(BadParameter):
    """The PBX cannot ring the phone that is to make a call."""

    code = "no_phone"


class NotFound(PbxError):
    """What was asked for is not there, or not there yet."""

    code = "not_found"


class Unreachable(PbxError):
    """No answer, or none that was complete; asking again may help.

    ``sent``: the question may have arrived all the same.
    """

    code = "unreachable"

    def __init__(self, detail="", sent=True):
        super().__init__(detail)
        self.sent = sent


class BadAnswer(PbxError):
    """An answer that is not in the PBX's own form."""

    code = "bad_answer"


class TooLarge(PbxError):
    """More than we are willing to take; asking again does not help."""

    code = "too_large"


class SamePage(PbxError):
    """A list begins anew instead of going on; asking again does not help."""

    code = "same_page"
