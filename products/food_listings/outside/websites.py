"""Looks at the websites of listings: does anybody answer, is the address parked, does the page say that the place closed.

Belongs here: which sites are due, what an answer is. Does not belong here: HTTP (`polite`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx
from protego import Protego

from civicops.orchestrate.gathering import Gathering

from ..cleaning.row import Cleaned, closure_words
from ..cleaning.text import without_markup
from .polite import InternalAddressError, Polite, Reply, UnknownHostError

AGENT = "civicops-listings (+https://example.org/about-this-check)"
_PARKED = re.compile(
    r"(this domain (?:name )?(?:is|may be) for sale|buy this domain|domain (?:is )?parked|parked free|domain has expired|"
    r"the domain .{1,80} is for sale|hugedomains|sedoparking|parkingcrew|this web ?site is under construction|account suspended|"
    r"default web site page|welcome to nginx|apache2 (?:ubuntu )?default page)",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"\b(pantry|food|meal|distribution|program|center|ministry|church|kitchen|we|services?)\b", re.IGNORECASE
)


def look_at(given: Gathering, rows: Iterable[Cleaned]) -> None:
    """Look at the sites that are due, the longest not looked at first, and write what they answered beside what is known."""
    setting = given.settings.get("websites", {})
    if not setting.get("check"):
        return
    known = {row["url"]: row for row in given.rows("websites")}
    wanted = {row.values["url"] for row in rows if row.values["url"] and row.values["status_code"] != "closed"}
    oldest = given.now - timedelta(days=float(setting.get("days", 30)))
    due = sorted(
        (url for url in wanted if url not in known or _moment(known[url]) < oldest),
        key=lambda url: (known[url]["checked_at"] if url in known else "", url),
    )
    polite = Polite(
        setting.get("agent", AGENT),
        pause=float(setting.get("seconds_per_host", 5)),
        seconds=float(setting.get("timeout", 15)),
        allow=given.settings.get("allow_internal", ()),
    )
    robots: dict[str, Protego | None] = {}
    try:
        for url in due[: int(setting.get("per_run", 200))]:
            known[url] = {
                "url": url,
                "checked_at": given.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
                **one_look(polite, url, robots),
            }
    finally:
        polite.close()
        if due:
            given.write_rows("websites", "looks", [known[url] for url in sorted(known)])


def one_look(polite: Polite, url: str, robots: dict[str, Protego | None]) -> dict[str, Any]:
    """What one site answers, as columns of `website_checks`. `robots` are the rules of hosts that were asked before."""
    try:
        if not _may(polite, url, robots):
            return {"outcome_code": "refused_by_robots", "detail": "The site's robots.txt asks not to be looked at."}
        reply = polite.get(url)
    except InternalAddressError:
        return {"outcome_code": "internal_address", "detail": "It leads into a private network and was not asked."}
    except UnknownHostError:
        return {"outcome_code": "dead", "detail": "Nobody knows this name any more."}
    except httpx.TimeoutException:
        return {"outcome_code": "timeout", "detail": "It did not answer in time."}
    except httpx.TooManyRedirects:
        return {"outcome_code": "dead", "detail": "It sends visitors in a circle."}
    except (httpx.InvalidURL, ValueError):
        return {"outcome_code": "bad_address", "detail": "This is no address of a website."}
    except httpx.HTTPError as error:
        is_certificate = "CERTIFICATE" in str(error).upper()
        return {
            "outcome_code": "bad_certificate" if is_certificate else "dead",
            "detail": "Its certificate is not valid." if is_certificate else "The connection failed.",
        }
    return judged(url, reply)


def judged(url: str, reply: Reply) -> dict[str, Any]:
    """What an answer means."""
    found: dict[str, Any] = {"http_status": reply.status, "final_url": reply.url, "outcome_code": "ok"}
    if reply.status in (404, 410):
        return {**found, "outcome_code": "dead", "detail": f"The page is gone ({reply.status})."}
    if reply.status in (401, 403, 429):
        return {**found, "outcome_code": "forbidden", "detail": f"It does not let programs in ({reply.status})."}
    if reply.status >= 500:
        return {**found, "outcome_code": "server_error", "detail": f"The server has a fault ({reply.status})."}
    if reply.status >= 400:
        return {**found, "outcome_code": "dead", "detail": f"It refuses ({reply.status})."}
    text = (
        " ".join(without_markup(reply.body.decode("utf-8", errors="replace")).split())
        if "html" in reply.content_type
        else ""
    )
    if match := _PARKED.search(text):
        return {**found, "outcome_code": "parked", "detail": f"The page says: {match[0]}."}
    if sentence := closure_sentence(text):
        found["closure_text"] = sentence
    if _host(url) != _host(reply.url):
        return {**found, "outcome_code": "moved", "detail": f"It leads to {_host(reply.url)}."}
    return found


def closure_sentence(text: str) -> str | None:
    """The first sentence of a page that says that a place or program closed; single days and holidays do not count."""
    for sentence in re.split(r"(?<=[.!?])\s+|\s{2,}|\n", text[:200_000]):
        if len(sentence) <= 400 and closure_words(sentence) and _ABOUT.search(sentence):
            return sentence.strip()
    return None


def _may(polite: Polite, url: str, robots: dict[str, Protego | None]) -> bool:
    parts = httpx.URL(url)
    origin = f"{parts.scheme}://{parts.netloc.decode()}"
    if origin not in robots:
        try:
            reply = polite.get(f"{origin}/robots.txt")
            text = reply.body.decode("utf-8", errors="replace") if reply.status == 200 else ""
            robots[origin] = Protego.parse(text)
        except httpx.HTTPError:
            robots[origin] = None
    rules = robots[origin]
    return rules is None or rules.can_fetch(url, polite.agent)


def _host(url: str) -> str:
    return (httpx.URL(url).host or "").removeprefix("www.")


def _moment(row: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(str(row["checked_at"]).replace("Z", "+00:00"))
