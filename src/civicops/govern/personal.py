"""Personal data in a text: e-mail addresses, telephone numbers, street addresses, names and a few more kinds.

Belongs here: what is found in one text, and the shape that may be told of it. Does not belong here: names
(`personal_names`), going through tables and judging columns (`personal_scan`).

Kinds, and what each takes for one:

    email    also with blanks, brackets or words in place of @ and the dot
    phone    what Google's rules call a valid number; bare digits only where words say so (or a whole column is made of them)
    address  house number and street; who lives there cannot be read from it
    name     see `personal_names`
    ssn      a US social security number with its separators
    card     13 to 19 digits of a known issuer whose check digit is right
    ip       an address of the internet that is not of a private range
    birth    a date next to words that say that somebody was born then
    profile  a person's page in a social network
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

import phonenumbers

from civicops.contracts.privacy import PersonalKind
from civicops.govern.personal_names import names
from civicops.govern.personal_words import words


@dataclass(frozen=True)
class Hit:
    """One find: its kind and where it stands.

    `is_bare`: ten or eleven digits that nothing but their count makes a telephone number.
    """

    kind: PersonalKind
    start: int
    end: int
    is_bare: bool = False


_LOCAL = r"[^\W_](?:[\w.+%\-]*[^\W_])?"
_EMAIL = re.compile(rf"{_LOCAL}\s?@\s?(?:[^\W_](?:[\w\-]*[^\W_])?\s?\.\s?)+[^\W\d_]{{2,24}}\b")
_AT = r"\s*(?:@|[\[({<]\s*(?:at|arroba|@)\s*[\])}>]|[\s\-_](?:at|arroba)[\s\-_])\s*"
_DOT = r"\s*(?:[\[({<]\s*(?:dot|punto|\.)\s*[\])}>]|[\s\-_](?:dot|punto)[\s\-_])\s*"
_EMAIL_WORDS = re.compile(
    rf"{_LOCAL}(?:{_AT}[\w\-]+(?:{_DOT}[\w\-]+)*{_DOT}[^\W\d_]{{2,24}}\b|"
    rf"\s*[\[({{<]\s*(?:at|arroba|@)\s*[\])}}>]\s*[\w\-]+(?:\.[\w\-]+)+)",
    re.IGNORECASE,
)
_DIGITS = re.compile(
    r"(?:\d[ .\-]){9}\d(?!\d)|(?<![\d\-])(?:001[ .\-]?)?\d{3}[ ,./\-]{1,3}\d{3}[ ,./\-]{1,3}\d{4}(?![\d\-])"
)
_BARE = re.compile(r"(?<![\d\-#.])(?:\+?1)?[2-9]\d{2}[2-9]\d{6}(?![\d\-]|\.\d)")
_SAID = re.compile(
    r"(?:\b(?:call|phone|tel(?:ephone|[eé]fono)?|cell|cel|m[oó]vil|mobile|text|sms|fax|dial|contact|reach|llam\w*|whatsapp|"
    r"number is|n[uú]mero)\b|☎|📞)"
    r"[^\d\n]{0,25}$",
    re.IGNORECASE,
)
_NUMBER = (
    r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|cero|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve)"
)
_COORDINATE = re.compile(r"(?:^|[^\d.])-?\d{1,3}\.\d{5,}")
"""A number with five decimals or more is a place or a measure."""
_PHONE_LIKE = re.compile(r"(?:\d[^\w\n]{0,3}){6}\d")
_SPOKEN = re.compile(rf"\b{_NUMBER}(?:[\s,\-]+{_NUMBER}){{6,10}}\b", re.IGNORECASE)
_SSN = re.compile(r"(?<![\d\-])(?!000|666|9\d\d)\d{3}([\- ])(?!00)\d{2}\1(?!0000)\d{4}(?![\d\-])")
_CARD = re.compile(r"(?<![\d\-.])(?:3[47]|3[0568]|4|5[1-5]|2[2-7]|6)(?:[ \-]?\d){11,17}(?![\d\-]|\.\d)")
_IP4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_IP6 = re.compile(r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){2,7}(?::?[0-9a-fA-F]{1,4}){1,6}(?![\w:])")
_DATE = (
    r"(?:\d{1,2}[/.\-]\d{1,2}[/.\-]\d{2,4}|\d{4}-\d{2}-\d{2}|"
    r"\d{1,2}(?:st|nd|rd|th)?\s+(?:de\s+|of\s+)?[^\W\d_]{3,10}\.?,?\s+(?:de\s+)?\d{4}|"
    r"[^\W\d_]{3,10}\.?\s+\d{1,2}(?:st|nd|rd|th)?,?\s+\d{4})"
)
_BIRTH = re.compile(
    r"\b(?:d\.?o\.?b\.?|born(?:\s+on)?|date of birth|birth\s?date|birthday|nacid[oa](?:\s+el)?|naci[oó](?:\s+el)?|"
    rf"fecha de nacimiento)\b[\s:,(]*(?:is\s+|es\s+)?{_DATE}",
    re.IGNORECASE,
)
_PROFILE = re.compile(
    r"\b(?:facebook\.com/(?:profile\.php\?id=\d+|people/\S+|(?:[a-z]+\.){1,3}[a-z0-9.]+)|linkedin\.com/in/\S+|venmo\.com/(?:u/)?[\w\-]+|cash\.app/\$\w+)",
    re.IGNORECASE,
)
_SUFFIX = "|".join(sorted(words("street"), key=len, reverse=True))
_UNIT = r"(?:[\s,]+(?:apt|apartment|unit|ste|suite|rm|room|bldg|fl|floor|depto|#)\.?\s*#?\s*[\w\-]{1,6})?"
_STREET_WORD = r"(?:[^\W\d_][\w'’.\-]*|\d{1,3}(?:st|nd|rd|th))"
_ADDRESS = re.compile(
    rf"(?<![\w$#.\-/:])(\d{{1,6}}(?:-\d{{1,4}})?(?:\s?1/2)?(?:\s?[A-Z])?)\s+((?:[NSEW]\.?\s+|(?:North|South|East|West)\s+)?"
    rf"(?:{_STREET_WORD}\s+){{1,4}}?)({_SUFFIX})\b\.?{_UNIT}",
    re.IGNORECASE,
)
_SPANISH = re.compile(
    r"(?<![\w$#.\-/:])\d{2,6}\s+(?:[NSEW]\.?\s+)?(?:via|avenida|paseo|calle|camino|caminito|corte|placita|rancho|vista)\s+"
    rf"(?:(?:de|del|la|las|los|el)\s+){{0,2}}[^\W\d_][\w'’\-]*{_UNIT}",
    re.IGNORECASE,
)
_LIVES = re.compile(
    r"\b(?:i live (?:at|on)|lives? (?:at|on)|resid(?:es?|ing) at|my (?:house|home|address|apartment|place) (?:is|at)|"
    r"home address:?|domicilio:?|vivo en|vive en|mi (?:casa|direcci[oó]n) (?:est[aá] en|es))\s+(?:el\s+|the\s+)?"
    rf"(\d{{1,6}}\s+(?:{_STREET_WORD}\s*){{1,3}}|calle\s+[^,.\n]{{3,30}}\s+\d{{1,5}})",
    re.IGNORECASE,
)


def find(text: str, kinds: frozenset[str] | None = None) -> tuple[Hit, ...]:
    """Everything personal in a text, in the order of its place; only `kinds` when given. No two hits overlap."""
    found: list[Hit] = []
    for kind, search in _SEARCHES:
        if kinds is None or kind in kinds:
            for hit in search(text):
                if all(hit.end <= other.start or other.end <= hit.start for other in found):
                    found.append(hit)
    return tuple(sorted(found, key=lambda hit: hit.start))


def shape(text: str) -> str:
    """What may be told of a find: `#` for each digit and one `x` for letters, however many."""
    return re.sub(r"[^\W\d_]+", "x", re.sub(r"\d", "#", text))[:40]


def _emails(text: str) -> Iterator[Hit]:
    ends: list[tuple[int, int]] = []
    for pattern in (_EMAIL, _EMAIL_WORDS):
        for found in pattern.finditer(text):
            if all(found.end() <= start or end <= found.start() for start, end in ends):
                ends.append(found.span())
                yield Hit("email", *found.span())


_DAY = re.compile(r"(?<!\d)(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?!\d)")


def _phones(text: str) -> Iterator[Hit]:
    # A day with a number behind it, as many keys are made, has as many digits as a telephone number.
    text = _DAY.sub(lambda day: "x" * len(day.group()), text)
    for found in _SPOKEN.finditer(text):
        yield Hit("phone", *found.span())
    if not _PHONE_LIKE.search(text):
        return
    taken: list[tuple[int, int]] = []
    matches = (
        () if text.isdigit() else phonenumbers.PhoneNumberMatcher(text, "US", leniency=phonenumbers.Leniency.VALID)
    )
    for match in matches:
        raw = match.raw_string
        before = text[: match.start]
        if _COORDINATE.search(before[-12:] + raw + text[match.end : match.end + 3]):
            continue
        if not raw.startswith("+") and len(phonenumbers.national_significant_number(match.number)) != 10:
            continue
        if before.endswith(("$", "#", "-", "/")) or re.match(r"\d|-\d|\.\d|/", text[match.end :]):
            continue
        if re.fullmatch(r"(?:\+?1-?)?\d{10}", raw) and not raw.startswith("+") and not _SAID.search(before):
            yield Hit("phone", match.start, match.end, is_bare=True)
        elif re.fullmatch(r"-?\d{1,3}\.\d{5,}.*", raw) or re.fullmatch(r"\d{5}-\d{4}.*|\d{4}-\d{3}-\d{3}", raw):
            continue  # a coordinate, a long ZIP code
        else:
            yield Hit("phone", match.start, match.end)
        taken.append((match.start, match.end))
    for pattern in (_BARE, _DIGITS):
        for found in pattern.finditer(text):
            free = all(found.end() <= start or end <= found.start() for start, end in taken)
            around = text[max(0, found.start() - 12) : found.end() + 3]
            if free and _is_phone(found.group()) and not _COORDINATE.search(around):
                bare = found.group().lstrip("+").isdigit() and not _SAID.search(text[: found.start()])
                taken.append(found.span())
                yield Hit("phone", *found.span(), is_bare=bare)


def _is_phone(raw: str) -> bool:
    try:
        number = phonenumbers.parse(re.sub(r"[^\d+]", "", raw).removeprefix("00"), "US")
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(number)


def _addresses(text: str) -> Iterator[Hit]:
    for found in _ADDRESS.finditer(text):
        middle = found.group(2).split()
        small = [word for word in middle if word.lower().strip(".") in words("not_a_street") and len(word) > 1]
        directions = {"north", "south", "east", "west"}
        if any(word.lower() not in directions or position for position, word in enumerate(small)):
            continue
        is_capital = all(word[0].isupper() or word[0].isdigit() for word in middle)
        if not is_capital and (len(found.group(1)) < 3 or not middle):
            continue
        yield Hit("address", *found.span())
    for found in _SPANISH.finditer(text):
        yield Hit("address", *found.span())
    for found in _LIVES.finditer(text):
        yield Hit("address", *found.span(1))


def _names(text: str) -> Iterator[Hit]:
    for start, end in names(text):
        yield Hit("name", start, end)


def _ssns(text: str) -> Iterator[Hit]:
    for found in _SSN.finditer(text):
        yield Hit("ssn", *found.span())


def _cards(text: str) -> Iterator[Hit]:
    for found in _CARD.finditer(text):
        digits = [int(one) for one in found.group() if one.isdigit()]
        doubled = [d if i % 2 == 0 else (2 * d - 9 if d > 4 else 2 * d) for i, d in enumerate(reversed(digits))]
        if sum(doubled) % 10 == 0:
            yield Hit("card", *found.span())


def _ips(text: str) -> Iterator[Hit]:
    for pattern in (_IP4, _IP6):
        for found in pattern.finditer(text):
            try:
                address = ipaddress.ip_address(found.group())
            except ValueError:
                continue
            if not (address.is_private and address.version == 4) and int(address) > 0xFFFF:
                yield Hit("ip", *found.span())


def _births(text: str) -> Iterator[Hit]:
    for found in _BIRTH.finditer(text):
        yield Hit("birth", *found.span())


def _profiles(text: str) -> Iterator[Hit]:
    for found in _PROFILE.finditer(text):
        yield Hit("profile", *found.span())


_SEARCHES = (
    ("email", _emails),
    ("profile", _profiles),
    ("card", _cards),
    ("ssn", _ssns),
    ("ip", _ips),
    ("birth", _births),
    ("phone", _phones),
    ("address", _addresses),
    ("name", _names),
)
"""In the order in which they take a piece of text: digits of a card are not also a phone number."""
