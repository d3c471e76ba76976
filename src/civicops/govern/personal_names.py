"""Names of people in a text, without a model: lists of names, words that announce one, and what stands around.

Belongs here: finding a name and its place. Does not belong here: the lists (`personal_words`), other kinds (`personal`).

A name is a given and a family name next to each other with capitals, a family name and
a given name with a comma between, or whatever stands behind words such as "my name is" or "Mrs.". What an organisation or a
street is called after a person is left out by the word that follows it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from civicops.govern.personal_words import AMBIGUOUS, common_words, family_names, given_names, words

_WORD = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*\.?")
_CUE = re.compile(
    r"\b(?:my name(?:'s| is)|name is|name:|i am called|this is|me llamo|mi nombre es|se llama|nombre:|contact(?: person)?:|"
    r"contacto:|ask for|pregunte por|speak (?:to|with)|spoke (?:to|with)|talked to|tell|att(?:n|ention):?|c/o|caller:?|"
    r"resident:?|owner:?|tenant:?|inquilin[oa]:?|due[ñn][oa]:?|signed,?|sincerely,?|thanks,?|thank you,?|"
    r"regards,?|gracias,?|atentamente,?|"
    r"neighbou?r|vecin[oa])\s+",
    re.IGNORECASE,
)
_TITLE = re.compile(r"\b(?:mrs?|ms|miss|dr|prof|rev|sr|sra|srta|don|do[ñn]a|se[ñn]ora?)\b\.?\s+", re.IGNORECASE)
_SYLLABLES = re.compile(r"[a-z]{2,6}-[a-z]{2,6}")
"""A Korean given name as it is mostly written in Latin letters."""
_LINKS = frozenset({"de", "la", "del", "los", "las", "da", "van", "von", "thi", "y"})


def names(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each name of a person; none overlap."""
    parts = [(found.start(), found.end(), found.group()) for found in _WORD.finditer(text)]
    if not parts:
        return
    cued = {found.end() for found in _CUE.finditer(text)}
    titled = {found.end() for found in _TITLE.finditer(text)}
    index = 0
    while index < len(parts):
        count = _length(text, parts, index, parts[index][0] in cued, parts[index][0] in titled)
        if count:
            yield parts[index][0], parts[index + count - 1][1]
        index += count or 1


def _length(text: str, parts: list[tuple[int, int, str]], index: int, cued: bool, titled: bool) -> int:
    """How many words from `index` on are a name; 0 when none are."""
    run = _run(text, parts, index)
    if not run or (index and _plain(parts[index - 1][2]) in words("before_a_place") and not titled):
        return 0
    plain = [_plain(word) for word in run]
    following = index + len(run)
    after = _plain(parts[following][2]) if following < len(parts) else ""
    if _of_something(plain, after):
        return 0
    if (
        titled
        and _may_be(plain[0])
        and (plain[0] in family_names() or plain[0] in given_names() or _armenian(plain[0]))
    ):
        return min(len(run), 3)
    if cued and _may_be(plain[0]) and _known(plain[0]):
        return min(len(run), 4)
    return _pair(text, parts, index, plain)


def _run(text: str, parts: list[tuple[int, int, str]], index: int) -> list[str]:
    """Words with capitals next to each other, with small words of names and initials between."""
    found: list[str] = []
    for position in range(index, min(index + 5, len(parts))):
        start, _, word = parts[position]
        if position > index and not re.fullmatch(r"[ \t]{1,2}|,\s?", text[parts[position - 1][1] : start]):
            break
        if position > index and "," in text[parts[position - 1][1] : start] and position != index + 1:
            break
        bare = _plain(word)
        capital = word[0].isupper()
        if not capital and not (found and bare in _LINKS):
            break
        if word.endswith(".") and len(bare) > 1:
            found.append(word)
            break
        found.append(word)
    while found and _plain(found[-1]) in _LINKS and not found[-1][0].isupper():
        found.pop()
    return found


def _pair(text: str, parts: list[tuple[int, int, str]], index: int, plain: list[str]) -> int:
    if len(plain) > 1 and any(
        one in words("korean_family") and _SYLLABLES.fullmatch(other) for one, other in (plain[:2], plain[1::-1])
    ):
        return 2
    if len(plain) < 2 or not _may_be(plain[0]):
        return 0
    first = plain[0]
    comma = "," in text[parts[index][1] : parts[index + 1][0]]
    if comma:
        pairs = ((first, plain[1]), (plain[1], first))
        return (
            2
            if _may_be(plain[1]) and any((_family(one) and _given(other)) or _armenian(one) for one, other in pairs)
            else 0
        )
    if first in words("vietnamese_family") and all(_vietnamese(word) for word in plain[1:3]):
        return min(len(plain), 4)
    if first in words("korean_family") and all(_given(word) for word in plain[1:3]):
        return min(len(plain), 3)
    if not _first(first):
        return 0
    for position in range(1, min(len(plain), 5)):
        word = plain[position]
        if len(word) == 1 or word in _LINKS:
            continue
        if _family(word) and (_given(first) or word not in AMBIGUOUS):
            more = position + 1
            while more < len(plain) and _family(plain[more]):
                more += 1
            return more
        if not _first(word):
            return 0
    return 0


def _of_something(plain: list[str], after: str) -> bool:
    """Whether an organisation, a street or a place bears the name."""
    others = words("organisation") | words("street")
    if len(plain) > 2 and plain[-1] == "park" and plain[-2] in family_names() and plain[-2] not in given_names():
        return True
    return (
        after in others
        or any(word in others and word not in words("korean_family") for word in plain[1:])
        or plain[-1] in words("street")
    )


def _may_be(word: str) -> bool:
    return word not in words("not_a_name") and len(word) > 1


def _known(word: str) -> bool:
    return _given(word) or _family(word)


def _given(word: str) -> bool:
    if "-" in word:
        return all(part in given_names() for part in word.split("-"))
    return word in given_names()


def _family(word: str) -> bool:
    parts = word.split("-")
    return all(part in family_names() for part in parts) or _armenian(word)


def _first(word: str) -> bool:
    """A given name, or a word that is no other word: no list knows the given names of everybody."""
    return _given(word) or (word.isalpha() and word not in common_words() and word not in family_names())


def _vietnamese(word: str) -> bool:
    return word in words("given") or (len(word) <= 6 and word not in common_words())


def _armenian(word: str) -> bool:
    return len(word) > 5 and word.endswith(("yan", "ian")) and word not in words("not_a_name")


def _plain(word: str) -> str:
    """Lower case, without accents, dots and apostrophes."""
    text = unicodedata.normalize("NFKD", word.replace("đ", "d").replace("Đ", "D"))
    return (
        "".join(one for one in text if not unicodedata.combining(one))
        .replace("'", "")
        .replace("’", "")
        .rstrip(".")
        .lower()
    )
