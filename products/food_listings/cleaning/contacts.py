"""E-mail addresses (email-validator), websites and pages in social networks, each in one form.

Belongs here: form. Does not belong here: whether anybody answers there (`websites`).
"""

from __future__ import annotations

import functools
import re
from urllib.parse import urlsplit, urlunsplit

from email_validator import EmailNotValidError, validate_email

from .notes import Notes
from .text import clean_text

_SPLIT = re.compile(r"[;,\s/<>()]+")
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*\.[a-z][a-z0-9-]{1,62}")
_SOCIAL = {
    "facebook_url": ("facebook.com", "https://www.facebook.com/"),
    "twitter_url": ("twitter.com", "https://twitter.com/"),
    "pinterest_url": ("pinterest.com", "https://www.pinterest.com/"),
    "linkedin_url": ("linkedin.com", "https://www.linkedin.com/company/"),
    "instagram_url": ("instagram.com", "https://www.instagram.com/"),
}
SOCIAL_COLUMNS = tuple(_SOCIAL)


@functools.lru_cache(maxsize=100_000)
def _valid(address: str) -> str | None:
    try:
        # Whether mail arrives is found out by sending some; asking name servers while cleaning would make runs differ.
        return validate_email(address, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        return None


def clean_emails(raw: str | None, notes: Notes) -> list[str]:
    """Every address of a field in one form; what is none is a finding."""
    if not raw or not raw.strip():
        return []
    parts = [part.strip(".'\"") for part in _SPLIT.split(raw.removeprefix("mailto:")) if "@" in part]
    if not parts:
        notes.find("email_invalid", "email", raw, "This is no e-mail address.")
        notes.fix("email", raw, "", "email_invalid_removed")
        return []
    good = []
    for part in parts:
        address = _valid(part)
        if address is None:
            notes.find("email_invalid", "email", part, f"{part} cannot be an e-mail address.")
            continue
        local, _, domain = address.rpartition("@")
        address = f"{local.lower()}@{domain}"  # no mail server of today tells capitals apart
        if address not in good:
            good.append(address)
    notes.fix("email", raw.strip(), good[0] if good else "", "email_canonical" if good else "email_invalid_removed")
    return good


@functools.lru_cache(maxsize=100_000)
def canonical_url(raw: str) -> tuple[str | None, bool]:
    """The address in one form and whether the scheme was missing; None for what can be no address of a website."""
    text = raw.strip().strip("<>\"'").rstrip(".,;")
    text = re.sub(r"^(https?):?/*(?=[\w])", lambda match: match[1].lower() + "://", text, flags=re.IGNORECASE)
    bare = not re.match(r"^[a-zA-Z][a-zA-Z0-9+.-]*:", text) or re.match(r"^[\w.-]+:\d+(/|$)", text) is not None
    try:
        parts = urlsplit("http://" + text if bare else text)
        port = parts.port
    except ValueError:
        return None, bare
    host = (parts.hostname or "").rstrip(".")
    if (
        parts.scheme.lower() not in ("http", "https")
        or parts.username is not None
        or any(mark.isspace() for mark in text)
    ):
        return None, bare
    try:
        host = host.encode("idna").decode() if not host.isascii() else host
    except UnicodeError:
        return None, bare
    if not _HOST.fullmatch(host):
        return None, bare
    where = host if port in (None, 80, 443) else f"{host}:{port}"
    return urlunsplit((parts.scheme.lower(), where, parts.path, parts.query, "")), bare


def clean_url(raw: str | None, notes: Notes, column: str = "url") -> str | None:
    """A website's address in one form; the first where a field holds several."""
    if not raw or not raw.strip():
        return None
    first = next((part for part in re.split(r"[;,\s]+", raw.strip()) if "." in part), raw.strip())
    url, bare = canonical_url(first)
    if url is None:
        notes.find("url_invalid", "url", raw, "No website can have this address.")
        notes.fix(column, raw, "", "url_invalid_removed")
        return None
    notes.fix(column, raw.strip(), url, "url_scheme_added" if bare else "url_canonical")
    return url


def clean_social(column: str, raw: str | None, notes: Notes) -> str | None:
    """The address of a page in a social network, also where only its name is given."""
    if not raw or not raw.strip():
        return None
    domain, start = _SOCIAL[column]
    text = clean_text(column, raw, notes) or ""
    if not text:
        return None
    if "/" not in text and "." not in text and re.fullmatch(r"@?[\w.-]{1,80}", text):
        url: str | None = start + text.lstrip("@")
    elif text.startswith(("/", "@")) and re.fullmatch(r"[/@][\w./-]{1,120}", text):
        url = start + text.lstrip("/@")
    else:
        url, _ = canonical_url(text)
        host = urlsplit(url).hostname or "" if url else ""
        known = {domain, "x.com", "fb.com", "fb.me"} if column in ("twitter_url", "facebook_url") else {domain}
        if not any(host == name or host.endswith("." + name) for name in known):
            notes.find("url_invalid", "url", raw, f"This is no page of {domain}.")
            notes.fix(column, raw, "", "url_invalid_removed")
            return None
    notes.fix(column, text, url, "social_url_canonical")
    return url
