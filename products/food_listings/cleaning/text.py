"""Free text: markup out, entities decoded, blanks in order, words that say nothing gone.

Belongs here: text of any field. Does not belong here: what a field means.
"""

from __future__ import annotations

import html
import re
import unicodedata
from html.parser import HTMLParser

from .notes import Notes

_TAG = re.compile(r"</?[a-zA-Z!][^<>]*>")
_ENTITY = re.compile(r"&(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,31});")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Control characters, and those that turn or hide text: nobody writes them by hand."""
_BLANKS = re.compile(r"[ \t\u00a0]+")
_PLACEHOLDERS = frozenset(
    {
        "n/a",
        "na",
        "none",
        "null",
        "nil",
        "tbd",
        "unknown",
        "-",
        "--",
        "---",
        "?",
        "??",
        "x",
        "xx",
        "xxx",
        "xxxxx",
        ".",
        "n.a.",
        "not available",
        "undefined",
        "nan",
        "#n/a",
        "https://_____",
        "(xxx) xxx-xxxx",
    }
)
_WORD = re.compile(r"[A-Za-z]{2,}")


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the library's signature
        if tag in ("script", "style"):
            self._hidden += 1
        elif tag in ("br", "p", "div", "li", "tr"):
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style") and self._hidden:
            self._hidden -= 1

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def without_markup(text: str) -> str:
    """The text of HTML, without what scripts and styles hold. Markup that was hidden as entities goes as well."""
    for _ in range(3):
        parser = _Text()
        parser.feed(text)
        parser.close()
        text = "".join(parser.parts)
        if not _TAG.search(text):
            return text
    return _TAG.sub("", text)


def clean_text(column: str, raw: str | None, notes: Notes, *, lines: bool = False) -> str | None:
    """A field's text, None for nothing. `lines` keeps line breaks. Each step that changes it is a fix of its own rule."""
    if raw is None or raw == "":
        return None
    text = raw
    if "<" in text and _TAG.search(text):
        new = without_markup(text)
        notes.fix(column, text, new, "html_removed")
        text = new
    elif "&" in text and _ENTITY.search(text):
        new = html.unescape(text)
        if _TAG.search(new):
            new = without_markup(new)
        notes.fix(column, text, new, "entity_decoded")
        text = new
    text = text if text.isascii() else unicodedata.normalize("NFC", text)
    text = _CONTROL.sub("", text)
    pieces = [_BLANKS.sub(" ", part).strip() for part in text.splitlines()]
    text = "\n".join(part for part in pieces if part) if lines else " ".join(part for part in pieces if part)
    # Blanks at the ends and line ends are no news; blanks inside a text are.
    is_other = " ".join(text.split()) != " ".join(raw.split()) or (
        not lines and _BLANKS.sub(" ", raw.strip()) != raw.strip()
    )
    is_told = any(fix.field == column and fix.rule in ("html_removed", "entity_decoded") for fix in notes.fixes)
    if is_other and not is_told:
        notes.fix(column, raw, text, "space_trimmed")
    if text.lower() in _PLACEHOLDERS:
        notes.fix(column, raw, "", "placeholder_removed")
        return None
    return text or None


def is_junk(text: str) -> bool:
    """Whether a longer text has no word in it: one run of keys such as 'asklfj;aslkdf'."""
    words = _WORD.findall(text)
    if not words:
        return len(text) > 3
    return len(text) >= 8 and all(_unspeakable(word) for word in words)


def _unspeakable(word: str) -> bool:
    lower = word.lower()
    return len(lower) >= 5 and (
        not re.search(r"[aeiouy]", lower) or re.search(r"[bcdfghjklmnpqrstvwxz]{5,}", lower) is not None
    )


def title_case(text: str, acronyms: frozenset[str]) -> str:
    """A text in capitals as usual: 'ST. ROBERT'S CENTER' becomes 'St. Robert's Center'; acronyms stay."""
    small = {"of", "the", "and", "for", "in", "at", "on", "to", "de", "la", "el", "los", "las", "y", "by"}
    words = text.split(" ")
    done = []
    for index, word in enumerate(words):
        bare = re.sub(r"[^A-Z]", "", word)
        if bare in acronyms or (
            len(bare) > 1 and not re.search(r"[AEIOUY]", bare) and bare not in ("ST", "DR", "MT", "FT", "BLVD")
        ):
            done.append(word)
        elif index and word.lower() in small and words[index - 1][-1:] not in "-:/":
            done.append(word.lower())
        else:
            done.append(re.sub(r"[A-Z][A-Z']*", lambda match: str(match[0])[0] + str(match[0])[1:].lower(), word))
    return " ".join(done)


def is_shouted(text: str) -> bool:
    """Whether a name of several words is all capitals."""
    letters = [mark for mark in text if mark.isalpha()]
    return len(letters) > 6 and " " in text and all(mark.isupper() for mark in letters)
