"""Abonents and numbers: who has which phone, and how the PBX writes both. Pure."""

from dataclasses import dataclass

DOMAIN = "ip.beeline.ru"


@dataclass(frozen=True)
class Abonent:
    """Who has a phone. What is empty, the API gives as ``null``.

    :var str user_id: ``9000000101@ip.beeline.ru``; the part before ``@`` is the login
        of the phone.
    :var str phone: 10 digits; of SIP users their login, or empty.
    """

    user_id: str
    phone: str
    extension: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    department: str = ""

    @property
    def name(self):
        return " ".join(filter(None, (self.first_name, self.last_name)))

    @property
    def number(self):
        """E.164, or ``""`` where the phone is none."""
        return international(self.phone)

    @property
    def names(self):
        """All that may stand for ``{pattern}`` in a path."""
        return {self.user_id, self.phone, self.extension} - {""}

    def as_json(self):
        return {
            "userId": self.user_id,
            "phone": self.phone or None,
            "extension": self.extension or None,
            "firstName": self.first_name or None,
            "lastName": self.last_name or None,
            "email": self.email or None,
            "department": self.department or None,
        }


def international(phone):
    """Return a number of 10 digits as E.164, ``""`` for all else."""
    return f"+7{phone}" if len(phone) == 10 and phone.isdigit() else ""


def digits(number):
    """Return E.164 as the API writes it: 10 digits for Russia, else all digits."""
    plain = number.lstrip("+")
    return plain[1:] if len(plain) == 11 and plain.startswith("7") else plain


OFFICE = (
    ("9000000101", "101", "Анна", "Соколова", "Отдел продаж"),
    ("9000000102", "102", "Дмитрий", "Орлов", "Отдел продаж"),
    ("9000000103", "103", "Мария", "Белова", "Сервис"),
    ("SIP00ABCD0104", "104", "Игорь", "Ким", "Склад"),
)


def office():
    """Return the abonents of a new account, ``{extension: Abonent}``."""
    return {
        extension: Abonent(
            f"{phone}@{DOMAIN}",
            phone,
            extension,
            first,
            last,
            f"{extension}@company.example.com",
            department,
        )
        for phone, extension, first, last, department in OFFICE
    }
