"""Telephone numbers with phonenumbers: found in any text, in one form, with extension, faxes told apart.

Belongs here: numbers. Does not belong here: who shares one (`across`).
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

import phonenumbers

from .notes import Notes

_PLAIN = re.compile(r"[\d\s().+\-–/]{7,22}")
_LOCAL = re.compile(
    r"(?<!\d)(?:\+?1[\s.\-]*)?\(*(\d{3})\)*[\s.\-/]*(\d{3})[\s.\-]*(\d{4})(?!\d)"
    r"(?:\s*,?\s*(?:ext(?:ension)?|x|#)\.?\s*:?\s*(\d{1,6})(?!\d|[.\-]\d))?",
    re.IGNORECASE,
)
"""Where a number of ten digits stands; phonenumbers then says what it is worth. Its own matcher joins neighbours without a
comma."""
_FAX = re.compile(r"\bfax\b", re.IGNORECASE)


@dataclass(frozen=True)
class Phone:
    """A number in the national form, its extension, whether it can exist, whether it is a fax, and as it was written."""

    number: str
    extension: str
    is_valid: bool
    is_fax: bool
    written: str


@functools.lru_cache(maxsize=200_000)
def read_phones(text: str, functions: str = "", country: str = "US") -> tuple[Phone, ...]:
    """Every number in a text, in its order; `functions` says what each is for, split by ';' as the numbers are."""
    kinds = [part.strip() for part in functions.split(";")] if functions else []
    found: list[Phone] = []
    spans = list(_LOCAL.finditer(text)) if phonenumbers.country_code_for_region(country) == 1 else []
    if spans:
        matches = [(span.start(), span[0], _local(span, country)) for span in spans]
    elif _PLAIN.fullmatch(text):
        try:
            matches = [(0, text, phonenumbers.parse(text, country))]
        except phonenumbers.NumberParseException:
            return ()
    else:
        matcher = phonenumbers.PhoneNumberMatcher(text, country, leniency=phonenumbers.Leniency.POSSIBLE)
        matches = [(match.start, match.raw_string, match.number) for match in matcher]
    at = 0
    for index, (start, written, number) in enumerate(matches):
        before = text[at:start]
        at = start + len(written)
        is_fax = bool(_FAX.search(before)) or (index < len(kinds) and bool(_FAX.search(kinds[index])))
        if not phonenumbers.is_possible_number(number):
            found.append(Phone("", "", False, is_fax, written.strip()))
            continue
        bare = phonenumbers.PhoneNumber(country_code=number.country_code, national_number=number.national_number)
        form = (
            phonenumbers.PhoneNumberFormat.NATIONAL
            if number.country_code == phonenumbers.country_code_for_region(country)
            else phonenumbers.PhoneNumberFormat.INTERNATIONAL
        )
        found.append(
            Phone(
                phonenumbers.format_number(bare, form),
                number.extension or "",
                phonenumbers.is_valid_number(bare),
                is_fax,
                written.strip(),
            )
        )
    return tuple(found)


def _local(span: re.Match[str], country: str) -> phonenumbers.PhoneNumber:
    return phonenumbers.PhoneNumber(
        country_code=phonenumbers.country_code_for_region(country),
        national_number=int(span[1] + span[2] + span[3]),
        extension=span[4],
    )


def clean_phones(
    raw: str | None, extension: str | None, functions: str | None, notes: Notes, country: str = "US"
) -> tuple[str | None, str | None, list[str]]:
    """The number to dial, its extension, and the other numbers of a place.

    A fax is never the number to dial. A number that cannot exist is taken out and stays in the finding.
    """
    if not raw or not raw.strip():
        return None, (extension or None), []
    text = raw.strip()
    found = read_phones(text, functions or "", country)
    if not found:
        notes.find("phone_unreadable", "phone", text, "No telephone number can be read from this.")
        notes.fix("phone_number", text, "", "phone_invalid_removed")
        return None, (extension or None), []
    for phone in found:
        if not phone.is_valid:
            notes.find("phone_invalid", "phone", phone.written, f"{phone.written} cannot be a telephone number.")
    usable = [phone for phone in found if phone.is_valid and not phone.is_fax]
    if not usable:
        notes.fix("phone_number", text, "", "phone_invalid_removed")
        return None, (extension or None), []
    first, others = (
        usable[0],
        list(dict.fromkeys(phone.number for phone in usable[1:] if phone.number != usable[0].number)),
    )
    if len(found) > 1:
        notes.fix("phone_number", text, first.number, "phone_many_split")
    else:
        notes.fix("phone_number", text, first.number, "phone_canonical")
    if first.extension:
        notes.fix("phone_extension", extension or "", first.extension, "phone_extension_split")
    return first.number, first.extension or (extension or None), others
