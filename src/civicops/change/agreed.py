"""Who has agreed to a change, and whether it is their word.

Belongs here: lines `Approved-by: NAME` in messages of a change's commits, the signatures under these commits, what was changed
since; what people said of a plan in the portal. Does not belong here: who must agree (`civicops.orchestrate.readers`), pages of
the portal (`civicops.portal.views.plans`).

git signs commits with SSH keys and checks them against a list of names and keys; `people.yaml` gives these keys. All that decides
about a change (keys, settings) is read from the commit it is compared with: nobody agrees by a key that the change itself brings.
"""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import yaml
from pydantic import ValidationError

from civicops.audit import Event, Log, open_log
from civicops.audit.events import Entry
from civicops.change.plan import Plan, digest
from civicops.change.states import Branch, Repository, StateError
from civicops.people import PEOPLE_FILE, People
from civicops.product_files import WORDS
from civicops.workspace import SETTINGS_FILE, Workspace

_FIELDS = ("%h", "%an", "%G?", "%GS", "%(trailers:key=Approved-by,valueonly,unfold,separator=%x0A)")
"""Of each commit, each ended by a zero byte: the one thing that neither a name nor a message can hold."""
AGREED, TAKEN_BACK = "agreed in the portal", "taken back in the portal"
_GOOD = "G"
"""What git says of a signature that fits a key of the list."""


@dataclass(frozen=True)
class Said:
    """One line `Approved-by: name` in the message of `commit`, which `author` wrote; `signed_by`: whose key signed it."""

    name: str
    commit: str
    author: str
    signed_by: str


@dataclass(frozen=True)
class Agreed:
    """Names to where they agreed (`names`), and names whose word does not count, with the reason (`refused`)."""

    names: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


def agreed(workspace: Workspace, branch: Branch, approved: Sequence[str]) -> Agreed:
    """Who has agreed to what is checked out, against the base of `branch`; `approved` are names that somebody gives.

    A line in a commit counts while nothing of the change differs from that commit. Of people with a key in `people.yaml` only
    signed commits count; with `[workspace] agreement = "signed"` nobody else's word counts either. Raises `StateError`.
    """
    repository = Repository(workspace)
    keys = _keys(repository, branch.commit)
    is_strict = _agreement(repository, branch.commit) == "signed"
    names: dict[str, str] = {}
    refused: dict[str, str] = {}
    for one in _said(repository, branch.commit, keys):
        wrong = ""
        if (one.name in keys or is_strict) and one.signed_by != one.name:
            wrong = f"commit {one.commit} by {one.author} says so and is not signed with a key of {one.name}"
        elif later := _changed_since(repository, branch, one.commit):
            wrong = f"said in commit {one.commit}, and {later} changed since"
        if wrong:
            refused.setdefault(one.name, wrong)
        else:
            names[one.name] = f"commit {one.commit}{', signed' if one.signed_by == one.name else f' by {one.author}'}"
    for name in (item.removeprefix("@") for item in approved):
        if is_strict:
            refused.setdefault(name, "here only signed commits count, not names given with --approved")
        else:
            names[name] = "named with --approved"
    return Agreed(names, {name: why for name, why in refused.items() if name not in names})


def agreed_to(workspace: Workspace, plan: Plan, approved: Sequence[str]) -> Agreed:
    """`agreed` of a plan, held against the commit that it compares with; nobody where nobody has to. Raises `StateError`."""
    if not plan.approvals:
        return Agreed()
    words = agreed(workspace, Repository(workspace).branch(plan.base_commit), approved)
    names = {who: "in the portal" for who, at in said_in_portal(open_log(workspace), plan).items() if at is not None}
    return Agreed({**words.names, **names}, {who: why for who, why in words.refused.items() if who not in names})


def said_in_portal(log: Log, plan: Plan) -> dict[str, datetime | None]:
    """Everybody who must agree to a plan, and when they said so, signed in; None who did not, or took it back."""
    return {one.who: None if (last := _last(log, plan, one.who)) is None else last.at for one in plan.approvals}


def portal_event(log: Log, plan: Plan, who: str, *, agrees: bool) -> Event | None:
    """What to log when somebody who is signed in agrees to a plan or takes it back; None when they said so already."""
    if (_last(log, plan, who) is not None) == agrees:
        return None
    said, subject = digest(plan), f"plan/{plan.id}"
    count = len(log.find(kind="change.apply", subject=subject, actor=who))
    content = {"step": AGREED if agrees else TAKEN_BACK, "sha256": said}
    return Event("change.apply", who, subject, content, key=f"{subject}/{said}/{who}/{count}")


def _last(log: Log, plan: Plan, who: str) -> Entry | None:
    """The entry by which somebody agreed to exactly this plan, if they have not taken it back since."""
    for entry in log.find(kind="change.apply", subject=f"plan/{plan.id}", actor=who):
        if entry.content.get("step") in (AGREED, TAKEN_BACK) and entry.content.get("sha256") == digest(plan):
            return entry if entry.content["step"] == AGREED else None
    return None


def _said(repository: Repository, base: str, keys: Mapping[str, Sequence[str]]) -> Iterator[Said]:
    """What the commits since `base` say, newest first."""
    with tempfile.TemporaryDirectory() as folder:
        signers = Path(folder) / "signers"
        lines = [f'{name} namespaces="git" {key}\n' for name, its in keys.items() for key in its]
        signers.write_text("".join(lines), encoding="utf-8")
        log = repository.git(
            "-c", f"gpg.ssh.allowedSignersFile={signers}", "log", "-z", f"--format={'%x00'.join(_FIELDS)}", f"{base}..HEAD"
        )  # fmt: skip
    fields = iter((log or "").split("\0"))
    for commit, author, is_good, signer, said in zip(*[fields] * len(_FIELDS), strict=False):
        for name in said.split("\n"):
            if name.strip():
                yield Said(name.strip().removeprefix("@"), commit, author, signer if is_good == _GOOD else "")


def _changed_since(repository: Repository, branch: Branch, commit: str) -> str:
    """A file of the change, other than texts for people, that is not as it was in a commit; empty when there is none."""
    touched = {path for path in (*branch.touched, *branch.gone) if not path.name.endswith(WORDS)}
    listed = repository.git("diff", "--name-only", "--no-renames", "-z", commit) or ""
    listed += repository.git("ls-files", "-z", "--others", "--exclude-standard") or ""
    differing = sorted(name for name in listed.split("\0") if name and (repository.top / name).resolve() in touched)
    return differing[0] if differing else ""


def _keys(repository: Repository, base: str) -> dict[str, tuple[str, ...]]:
    text = _at_base(repository, base, repository.workspace.root / PEOPLE_FILE)
    if text is None:
        return {}
    try:
        people = People.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError) as error:
        raise StateError(f"{PEOPLE_FILE} of {base[:12]} cannot be read, so nobody's key is known.") from error
    return {member.username: member.signing_keys for member in people.people if member.signing_keys}


def _agreement(repository: Repository, base: str) -> str:
    text = _at_base(repository, base, repository.workspace.root / SETTINGS_FILE)
    try:
        table = tomllib.loads(text or "").get("workspace", {})
    except tomllib.TOMLDecodeError as error:
        raise StateError(f"{SETTINGS_FILE} of {base[:12]} cannot be read.") from error
    return str(table.get("agreement", "said"))


def _at_base(repository: Repository, base: str, path: Path) -> str | None:
    """A file as it was in the base; as it lies there where it is no part of the repository, so that no change can bring it."""
    if path.resolve().is_relative_to(repository.top) and repository.git("ls-files", "--", str(path)):
        return repository.text(base, path)
    return path.read_text(encoding="utf-8") if path.is_file() else None
