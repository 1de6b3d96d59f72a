"""Numbers and names as Beeline writes them: always those of Russia."""

import re

from .. import numbers

COUNTRY, CODE = "RU", "+7"
# Beginnings of Kazakhstan's numbers, which has the same code.
_KAZAKHSTAN = ("+76", "+77")
_SCHEME = re.compile(r"(?:tel|sips?):", re.IGNORECASE)
_NUMBER = re.compile(r"\+?[0-9\s().-]*[0-9][0-9\s().-]*")
_EXTENSION = re.compile(r";\s*ext\s*=\s*([0-9]{1,5})(?![0-9])", re.IGNORECASE)


def read_number(text):
    """Return the number in ``tel:+79000000102;ext=102``: E.164, up to five digits as
    they are, or ``""``."""
    plain = _SCHEME.sub("", (text or "").strip(), count=1)
    plain = plain.partition(";")[0].partition("@")[0].strip()
    if not _NUMBER.fullmatch(plain):
        return ""
    figures = re.sub(r"[^0-9]", "", plain)
    if len(figures) <= 5:
        return figures
    if not plain.startswith("+"):
        if len(figures) == 10:
            figures = f"7{figures}"
        elif len(figures) == 11 and figures[0] in "78":
            figures = f"7{figures[1:]}"
        else:
            return numbers.from_pbx(figures, COUNTRY)
    return numbers.from_pbx(f"+{figures}", COUNTRY)


def read_extension(text):
    """Return what ``;ext=`` names, or ``""``."""
    found = _EXTENSION.search(text or "")
    return found[1] if found else ""


def ten_digits(number):
    """Return a Russian number as Beeline names it, others as their digits alone."""
    number = number or ""
    figures = re.sub(r"[^0-9]", "", number)
    is_russian = not number.startswith("+") or (
        number.startswith(CODE) and not number.startswith(_KAZAKHSTAN)
    )
    if len(figures) == 11 and figures[0] in "78" and is_russian:
        return figures[1:]
    return figures


def reported(number, text):
    """Return a number as it was written, where its digits differ; else ``""``."""
    written = re.sub(r"[^0-9]", "", (text or "").partition(";")[0])
    return written if number and written != re.sub(r"[^0-9]", "", number) else ""


def local_part(name):
    """Return what stands before the domain of ``9000000101@ip.beeline.ru``."""
    return (name or "").partition("@")[0]


def names_of(number, login, caller_id):
    """Return the names by which an abonent may be called: user ID, with its domain and
    without, the ten digits of its phone, and its number."""
    phone = ten_digits(caller_id)
    names = (login, local_part(login), phone if len(phone) == 10 else "", number)
    return tuple(dict.fromkeys(name for name in names if name))


def extension_named(name, account):
    """Return the number of the extension that is called ``name``, else what of the
    name is its own."""
    local = local_part(name)
    known = account.extensions
    return known.get(name) or known.get(local) or local


def user_id_of(extension, account):
    """Return the name under which the API knows an extension: its user ID."""
    names = [name for name, number in account.extensions.items() if number == extension]
    whole = [name for name in names if "@" in name]
    others = [name for name in names if name != extension]
    return next(iter((*sorted(whole), *sorted(others))), extension)
