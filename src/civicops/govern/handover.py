"""What somebody who leaves passes on: a checklist made from what they hold, and the edits that give it to another person.

Belongs here: finding all that names a person, ticking off what is done, rewriting names in `product.yaml` and contracts line by
line, so that comments and order stay. Does not belong here: who is in the group (`civicops.people`), showing the list (`cli`).

Ticks are marks (`civicops.marks`): appended, never changed, so that it can be seen who said that something was passed on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
import yaml

from civicops.errors import CivicopsError
from civicops.marks import Mark, add_mark, current_marks, key_text, open_marks
from civicops.observe.asking import incidents
from civicops.observe.tables import open_database
from civicops.people import PEOPLE_FILE, Held, duties, read_people
from civicops.review.room import open_review
from civicops.review.tables import CLAIM
from civicops.workspace import Workspace

ROOM = "handover"
"""Under which ticks are kept, as the product of a mark; the dataset is the person."""


class HandoverError(CivicopsError):
    """The list cannot be made, or something in it cannot be done."""


@dataclass(frozen=True)
class Item:
    """One thing to pass on. `how` says what to do; `done` is who ticked it off, and when."""

    id: str
    title: str
    how: str
    done: Mark | None = None


@dataclass(frozen=True)
class Edit:
    """One file as it is and as it would be."""

    path: Path
    before: str
    after: str


def checklist(workspace: Workspace, username: str, now: datetime | None = None) -> tuple[Item, ...]:
    """All that a person holds, in the order in which to pass it on.

    Raises `HandoverError` for a name that is nowhere, and what reading the workspace raises.
    """
    name = username.removeprefix("@")
    marks = current_marks(open_marks(workspace), ROOM, name)
    items = tuple(_items(workspace, name, now or datetime.now(UTC)))
    people = read_people(workspace)
    if not items and (people is None or people.member(name) is None):
        raise HandoverError(
            f"'{username}' holds nothing here and is not in {PEOPLE_FILE}.", hint="`civicops people` lists everybody."
        )
    common = tuple(_for_everybody(workspace, name))
    return tuple(Item(one.id, one.title, one.how, marks.get(key_text([one.id]))) for one in (*items, *common))


def tick(workspace: Workspace, username: str, item: str, *, who: str, note: str = "", undo: bool = False) -> Item:
    """Tick one item off, or take the tick back. Raises `HandoverError` for one that is not on the list."""
    name = username.removeprefix("@")
    found = next((one for one in checklist(workspace, name) if one.id == item), None)
    if found is None:
        raise HandoverError(
            f"'{item}' is not on the list.", hint=f"`civicops handover {name}` shows every item's name."
        )
    mark = Mark(datetime.now(UTC), ROOM, name, key_text([item]), "", not undo, note, who)
    add_mark(open_marks(workspace), mark)
    return Item(found.id, found.title, found.how, None if undo else mark)


def edits(workspace: Workspace, username: str, to: str) -> tuple[Edit, ...]:
    """The files in which another person would stand instead. Nothing is written.

    Where the other holds a second duty of the same product already, theirs is left empty rather than named twice: an owner who is
    their own backup is no backup. Raises `HandoverError` when the other person is not there.
    """
    name, other = username.removeprefix("@"), to.removeprefix("@")
    people = read_people(workspace)
    if people is not None and people.state(other, datetime.now(UTC).date()) not in ("active", "leaving"):
        raise HandoverError(f"'{to}' is not in the group.", hint=f"Add them to {PEOPLE_FILE} first.")
    if name == other:
        raise HandoverError("Nobody hands over to themselves.", hint="Name somebody else with --to.")
    found: list[Edit] = []
    for product in workspace.products:
        for path in (product.folder / "product.yaml", *(contract.path for contract in product.contracts)):
            before = path.read_text(encoding="utf-8")
            after = _renamed(before, name, other, is_product=path.name == "product.yaml")
            if after != before:
                found.append(Edit(path, before, after))
    return tuple(found)


def _renamed(text: str, name: str, other: str, *, is_product: bool) -> str:
    quoted = re.escape(name)
    if not is_product:
        return re.sub(rf"(\busername:\s*[\"']?@?){quoted}(?=[\"',}}\s])", rf"\g<1>{other}", text)
    line = re.compile(rf"(?m)^((?:owner|backup):\s*[\"']?@?){quoted}(?=[\"'\s]|$)")
    after = line.sub(rf"\g<1>{other}", text)
    held = re.findall(rf"(?m)^(owner|backup):\s*[\"']?@?{re.escape(other)}[\"']?\s*(?:#.*)?$", after)
    if {"owner", "backup"} <= set(held):
        after = re.sub(rf"(?m)^backup:\s*[\"']?@?{re.escape(other)}[\"']?", 'backup: ""', after)
    return after


def _items(workspace: Workspace, name: str, now: datetime) -> Iterator[Item]:
    held: dict[tuple[str, str, bool], list[Held]] = {}
    for one in duties(workspace):
        if one.username.removeprefix("@") == name and one.is_own:
            held.setdefault((one.duty, one.product, one.subject == one.product), []).append(one)
    for (duty, product, is_whole), found in held.items():
        names = [one.subject.partition(".")[2] for one in found]
        datasets = f"{len(names)} datasets" if len(names) > 1 else "the dataset"
        yield Item(
            f"{duty}:{product}" if is_whole else f"{duty}:{product}.datasets",
            f"{duty} of the product {product}"
            if is_whole
            else f"{duty} of {datasets} of {product}: {', '.join(names)}",
            f"civicops handover {name} --to SOMEBODY shows the edit, --write makes it",
        )
    for place in workspace.products:
        for file, title, how in (
            ("goals.yaml", "goals", "name somebody else in goals.yaml"),
            ("ethics.yaml", "ethics review", "find who reviews next time; what they decided stays as it is"),
        ):
            path = place.folder / file
            if path.is_file() and _names(yaml.safe_load(path.read_text(encoding="utf-8")), name):
                yield Item(f"{title.split()[0]}:{place.name}", f"{title} of {place.name}", how)
    for incident in incidents(open_database(workspace), workspace, now, limit=1000):
        if incident.acknowledged_by == name and not incident.is_over:
            title = f"incident {incident.id}, which they said they look after: {incident.title}"
            yield Item(f"incident:{incident.id}", title, f"civicops incidents show {incident.id}")
    review = open_review(workspace)
    with review.database.reading() as con:
        query = sa.select(CLAIM.c.task_id).where(CLAIM.c.who == name, CLAIM.c.until > now.isoformat())
        claimed: list[int] = list(con.execute(query).scalars())
    if claimed:
        yield Item(
            "review", f"{len(claimed)} review tasks in their hands", "give them back in the portal: Review, mine"
        )
    if (account := _account(workspace, name)) is not None:
        roles = f" with the roles {', '.join(account)}" if account else " without a role"
        yield Item("account", f"their account of the portal{roles}",
                   "an admin takes the role away on the portal's page of people")  # fmt: skip


def _names(value: object, name: str) -> bool:
    """Whether a value is that user name, or holds it; a sentence in which the word stands does not."""
    if isinstance(value, dict):
        return any(_names(item, name) for item in value.values())
    if isinstance(value, list):
        return any(_names(item, name) for item in value)
    return isinstance(value, str) and value.removeprefix("@") == name


def _for_everybody(workspace: Workspace, name: str) -> Iterator[Item]:
    """What no file knows of a person, and everybody who leaves is asked."""
    routes = workspace.settings.alerts.routes
    addresses = sorted({url for route in routes.values() for url in route.urls})
    where = f" ({', '.join(addresses)})" if addresses else ""
    yield Item("secrets", f"passwords, keys and addresses of alerts{where}",
               "does anybody else have them? Change those that only this person knew")  # fmt: skip
    yield Item("machines", "machines and accounts that runs depend on", "is somebody else able to get in, and to pay?")
    yield Item("work", "work that is not merged", "push it, or say in the issue what was found out")
    yield Item(
        "unwritten", "what only they know", "write it into the README of the product: what breaks, how it was mended"
    )
    yield Item(
        "people", f"their last day in {PEOPLE_FILE}", f"write `until:` at {name}; monitors then say what is left"
    )


def _account(workspace: Workspace, name: str) -> tuple[str, ...] | None:
    """The groups of an account of the portal that is still active; None without one, or before the portal ever ran."""
    database = open_database(workspace)
    if not sa.inspect(database.engine).has_table("auth_user"):
        return None
    user, groups, mine = (sa.table(table, *map(sa.column, columns)) for table, columns in (
        ("auth_user", ("id", "username", "is_active")), ("auth_group", ("id", "name")),
        ("auth_user_groups", ("user_id", "group_id")),
    ))  # fmt: skip
    with database.reading() as con:
        row = con.execute(sa.select(user.c.id, user.c.is_active).where(user.c.username == name)).first()
        if row is None or not row.is_active:
            return None
        query = sa.select(groups.c.name).join(mine, mine.c.group_id == groups.c.id).where(mine.c.user_id == row.id)
        return tuple(sorted(con.execute(query).scalars()))
