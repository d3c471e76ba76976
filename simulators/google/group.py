"""A made-up volunteer group: people, shared drives, folders and files, and everything that happens to them.

Belongs here: the state and the deeds that change it, each remembered with who and when; that is the truth a monitor is scored by.
Does not belong here: how Google tells of it (`drive`, `activity`).
"""

import hashlib
import random
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

FOLDER = "application/vnd.google-apps.folder"
SHORTCUT = "application/vnd.google-apps.shortcut"
DOCUMENT = "application/vnd.google-apps.document"
KINDS = (("pdf", "application/pdf"), ("png", "image/png"), ("csv", "text/csv"), ("", DOCUMENT))
WORDS = ("agenda", "budget", "minutes", "persona", "interview", "wireframe", "roadmap", "survey", "handoff", "logo")
PLACES = ("Design", "Research", "Meetings", "Onboarding", "Data", "Outreach")
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Person:
    """A volunteer. Their address is at example.org."""

    name: str
    email: str

    @property
    def permission_id(self) -> str:
        return str(int(hashlib.sha256(self.email.encode()).hexdigest()[:15], 16))


PEOPLE = tuple(
    Person(name, f"{name.lower().replace(' ', '.')}@example.org")
    for name in ("Marisol Vega", "Tobias Lindqvist", "Amara Okafor", "Wen Zhao", "Ilse Brandt", "Rafael Duarte")
)


@dataclass(frozen=True)
class Item:
    """A file, folder or shortcut of a shared drive. `trashed_at` is set where it was itself put into the trash."""

    id: str
    name: str
    mime: str
    parent: str
    drive: str
    created: datetime
    modified: datetime
    editor: str
    size: int | None = None
    md5: str | None = None
    trashed_at: datetime | None = None
    trashed_by: str | None = None


@dataclass(frozen=True)
class Event:
    """One deed: create, trash, untrash, delete, move, rename, edit, hide, show."""

    at: datetime
    actor: str
    deed: str
    item: str
    name: str
    drive: str
    to_drive: str | None = None


@dataclass
class Group:
    """Everything there is, at `now`. All deeds may be done from several threads."""

    now: datetime = START
    people: tuple[Person, ...] = PEOPLE
    drives: dict[str, str] = field(default_factory=dict)
    """Id to name."""
    roles: dict[str, dict[str, str]] = field(default_factory=dict)
    """Drive id to e-mail to role."""
    items: dict[str, Item] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    """Items that the service account may not see any more, with everything below them."""
    lost: dict[str, int] = field(default_factory=dict)
    """Drives that answer with an error status: 404 or 403."""
    events: list[Event] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def add_drive(self, drive: str, name: str, roles: dict[str, str] | None = None) -> str:
        """A new shared drive; everybody is at least a contributor."""
        with self.lock:
            self.drives[drive] = name
            self.roles[drive] = dict(roles or {self.people[0].email: "organizer"})
        return drive

    def add(self, item: Item, actor: str = "") -> Item:
        """A new item."""
        with self.lock:
            self.items[item.id] = item
            self._note(actor or item.editor, "create", item)
        return item

    def file(
        self, drive: str, parent: str, name: str, mime: str = "application/pdf", actor: str = "", size: int = 1000
    ) -> Item:
        """A new file or folder made by `actor` now."""
        number = len(self.items) + len(self.events)
        identity = "1" + hashlib.sha256(f"{drive}/{number}/{name}".encode()).hexdigest()[:32]
        plain = not mime.startswith("application/vnd.google-apps")
        item = Item(
            identity, name, mime, parent, drive, self.now, self.now, actor or self.people[0].email,
            size if plain else None, hashlib.md5(identity.encode()).hexdigest() if plain else None,  # noqa: S324
        )  # fmt: skip
        return self.add(item)

    def trash(self, ids: Iterable[str], actor: str) -> None:
        """Into the trash; what lies below goes along."""
        self._each(ids, actor, "trash", lambda item: replace(item, trashed_at=self.now, trashed_by=actor))

    def untrash(self, ids: Iterable[str], actor: str) -> None:
        """Out of the trash again."""
        self._each(ids, actor, "untrash", lambda item: replace(item, trashed_at=None, trashed_by=None))

    def move(self, ids: Iterable[str], parent: str, actor: str) -> None:
        """Into another folder; with another drive's folder or root, out of the drive. Children move along."""
        with self.lock:
            drive = self.items[parent].drive if parent in self.items else parent
            for one in list(ids):
                item = self.items[one]
                self._note(actor, "move", item, drive)
                self.items[one] = replace(item, parent=parent, drive=drive)
                for below in list(self.below(one)):
                    self.items[below] = replace(self.items[below], drive=drive)

    def rename(self, one: str, name: str, actor: str) -> None:
        """Another name; the id stays."""
        self._each([one], actor, "rename", lambda item: replace(item, name=name, modified=self.now, editor=actor))

    def purge(self, ids: Iterable[str], actor: str) -> None:
        """Gone for good, with everything below."""
        with self.lock:
            for one in list(ids):
                for gone in [one, *self.below(one)]:
                    if (item := self.items.pop(gone, None)) is not None:
                        self._note(actor, "delete", item)

    def hide(self, ids: Iterable[str], actor: str) -> None:
        """Take the service account's access away."""
        self.hidden |= set(ids)
        for one in ids:
            self._note(actor, "hide", self.items[one])

    def show(self, ids: Iterable[str]) -> None:
        """Give it back."""
        self.hidden -= set(ids)

    def pass_time(self, **how: float) -> None:
        """Let time pass; the trash loses what has lain there for 30 days."""
        self.now += timedelta(**how)
        limit = self.now - timedelta(days=30)
        self.purge([item.id for item in self.items.values() if item.trashed_at and item.trashed_at < limit], "")

    def children(self, parent: str) -> list[Item]:
        return [item for item in self.items.values() if item.parent == parent]

    def below(self, top: str) -> Iterator[str]:
        """Ids of everything below an item."""
        by_parent: dict[str, list[str]] = {}
        for item in self.items.values():
            by_parent.setdefault(item.parent, []).append(item.id)
        open_ = list(by_parent.get(top, ()))
        while open_:
            one = open_.pop()
            yield one
            open_ += by_parent.get(one, ())

    def ancestors(self, one: str) -> Iterator[Item]:
        """The item and the folders above it."""
        seen: set[str] = set()
        while one in self.items and one not in seen:
            seen.add(one)
            yield self.items[one]
            one = self.items[one].parent

    def is_trashed(self, item: Item) -> bool:
        return any(above.trashed_at is not None for above in self.ancestors(item.id))

    def sees(self, item: Item) -> bool:
        """Whether the service account may see it."""
        if item.drive in self.lost or item.drive not in self.drives:
            return False
        return not self.hidden or not any(above.id in self.hidden for above in self.ancestors(item.id))

    def person(self, email: str) -> Person:
        return next((one for one in self.people if one.email == email), Person(email.split("@", maxsplit=1)[0], email))

    def _each(self, ids: Iterable[str], actor: str, deed: str, change: Any) -> None:
        with self.lock:
            for one in list(ids):
                self.items[one] = change(self.items[one])
                self._note(actor, deed, self.items[one])

    def _note(self, actor: str, deed: str, item: Item, to_drive: str | None = None) -> None:
        self.events.append(Event(self.now, actor, deed, item.id, item.name, item.drive, to_drive))


def made_up_group(seed: int = 7, drives: int = 4, files: int = 120) -> Group:
    """A group with `drives` shared drives of about `files` files each, in folders two levels deep."""
    draw = random.Random(seed)
    group = Group()
    for number in range(drives):
        name = ("Operations", "Food access", "Web site", "311 team", "Archive")[number % 5] + (
            f" {number // 5 + 1}" if number >= 5 else ""
        )
        drive = group.add_drive(
            "0A" + hashlib.sha256(f"{seed}/{number}".encode()).hexdigest()[:17],
            name,
            {group.people[number % 6].email: "organizer", group.people[(number + 1) % 6].email: "fileOrganizer"},
        )
        folders = [group.file(drive, drive, place, FOLDER, draw.choice(PEOPLE).email) for place in PLACES]
        folders += [group.file(drive, draw.choice(folders).id, f"{2020 + year}", FOLDER) for year in range(6)]
        for count in range(files):
            ending, mime = draw.choice(KINDS)
            word = draw.choice(WORDS)
            title = f"{word} {count}" + (f".{ending}" if ending else "")
            group.file(
                drive, draw.choice(folders).id, title, mime, draw.choice(PEOPLE).email, draw.randrange(1_000, 900_000)
            )
    return group
