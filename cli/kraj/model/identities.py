"""The forms of municipality codes and public-body numbers, country by country.

Countries that are not in the tables are held to the general form alone, which the models check.
"""

from __future__ import annotations

import re

#: Form of LAU codes (Eurostat, correspondence of NUTS 3 and local administrative units).
LAU_FORMS: dict[str, tuple[re.Pattern[str], str]] = {
    "AT": (re.compile(r"[0-9]{5}"), "5 digits"),
    "CZ": (re.compile(r"[0-9]{6}"), "6 digits"),
    "DE": (re.compile(r"[0-9]{8}"), "8 digits"),
    "PL": (re.compile(r"[0-9]{7}"), "7 digits"),
    "SK": (re.compile(r"[0-9]{6}"), "6 digits"),
}
#: Countries whose public-body number is eight digits, the last of them a check digit.
_CHECKED_IDS = ("CZ", "SK")


def lau_fault(country: str, code: str) -> str | None:
    """What is wrong with a LAU code, None where it is well formed."""
    form = LAU_FORMS.get(country)
    if form is None or form[0].fullmatch(code):
        return None
    return f"the LAU code {code!r} must be {form[1]} in the country {country}"


def company_id_fault(country: str, number: str) -> str | None:
    """What is wrong with a public body's number, None where it is well formed."""
    if country not in _CHECKED_IDS:
        return None
    if not re.fullmatch(r"[0-9]{8}", number):
        return f"the identification number {number!r} must be 8 digits in the country {country}"
    if _check_digit(number) != int(number[7]):
        return (
            f"the identification number {number!r} is mistyped: its last digit, a check digit, "
            f"should be {_check_digit(number)}"
        )
    return None


def _check_digit(number: str) -> int:
    """Modulo 11 with the weights 8 to 2, as the Czech and Slovak registers calculate it."""
    remainder = sum(int(digit) * (8 - index) for index, digit in enumerate(number[:7])) % 11
    return (11 - remainder) % 10
