"""Commands about the audit log.

Belongs here: audit verify, list, show, prove, check, consistency, checkpoint, key, erase. Does not belong here: the log
(`civicops.audit`).
"""

from __future__ import annotations

import sys
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from civicops.cli.output import Json, as_json, next_step, say, table
from civicops.errors import CivicopsError

if TYPE_CHECKING:
    from civicops.audit import Log
    from civicops.audit.events import Entry

app = typer.Typer(no_args_is_help=True, help="The audit log: who did what, provable to others, changed by nobody.")

Index = Annotated[
    int, typer.Argument(metavar="INDEX", help="The place of the entry, from 0.", show_default=False, min=0)
]
Key = Annotated[
    str, typer.Option("--key", help="Verifier key to believe instead of the one beside the log.", show_default=False)
]


@app.command("verify")
def verify(
    checkpoint: Annotated[
        list[str] | None,
        typer.Option(help="A file with a checkpoint that you kept (- for standard input); may be given several times."),
    ] = None,
    seen: Annotated[
        str, typer.Option(help="When the kept checkpoint was seen, such as 2026-11-25T18:00Z.", show_default=False)
    ] = "",
    witness: Annotated[
        str,
        typer.Option(
            help="Verifier key of a witness; the time of its cosignature is when it was seen.", show_default=False
        ),
    ] = "",
    key: Key = "",
    folder: Annotated[
        Path | None, typer.Option(help="A copy of a log's files, to verify without its workspace.", show_default=False)
    ] = None,
    json: bool = Json,
) -> None:
    """Verify the whole log, and name the first bad entry after any change; exit code 1 when there is one."""
    from civicops.audit.notes import VerifierKey  # noqa: PLC0415 - every command loads only what it needs
    from civicops.audit.verify import read_known, verify_folder  # noqa: PLC0415
    from civicops.audit.verify import verify as verify_log  # noqa: PLC0415

    moment = _moment(seen) if seen else None
    believed = VerifierKey.parse(key) if key else None
    added: tuple[str, ...] = ()
    if folder is not None:
        if believed is None:
            raise CivicopsError(
                "Say which key signed it: --key.",
                hint="The log's owner publishes it: `civicops audit key`, or /audit/log/vkey.",
            )
        known = [read_known(_text(name), believed, seen_at=moment, witness=witness) for name in checkpoint or ()]
        report = verify_folder(folder, believed, known)
    else:
        log = _log(for_reading=True)
        trusted = believed or log.verifier_key
        known = [read_known(_text(name), trusted, seen_at=moment, witness=witness) for name in checkpoint or ()]
        report = verify_log(log, known, key=believed)
        if report.is_good:
            added = _reconcile()
            report = verify_log(log, known, key=believed) if added else report
    if json:
        as_json(
            {"size": report.size, "root": report.root, "origin": report.origin, "is_good": report.is_good,
             "first_bad": report.first_bad, "problems": report.problems, "checkpoints": report.known,
             "erased_fields": report.erased, "logged_now": added}
        )  # fmt: skip
    else:
        for subject in added:
            say(f"It was not in the log yet, and is now: {subject}.")
        _tell(report)
    if not report.is_good:
        raise typer.Exit(1)


def _tell(report: Any) -> None:
    if report.is_good:
        say(
            f"{report.size:,} entries of {report.origin} are what was logged, in order; the root is {report.root[:16]}..."
        )
        if report.known:
            say(
                f"They go on from {'the checkpoint' if report.known == 1 else f'all {report.known} checkpoints'} that was kept."
            )
        if report.erased:
            say(f"{report.erased:,} personal fields were erased, each with an event that says so.")
        next_step("keep `civicops audit checkpoint` somewhere else; it shows later that nothing was rewritten")
        return
    for problem in report.problems[:20]:
        say(str(problem))
    if len(report.problems) > 20:
        say(f"... and {len(report.problems) - 20:,} more.")
    if report.first_bad is not None:
        say(f"The first bad entry is {report.first_bad}.")
    next_step("find out who could write there; restore data/audit and the database from one backup, and verify again")


@app.command("list")
def list_(
    kind: Annotated[str, typer.Option(help="Only this kind, such as decision.", show_default=False)] = "",
    subject: Annotated[str, typer.Option(help="Only this subject and what is below it.", show_default=False)] = "",
    who: Annotated[
        str, typer.Option(help="Only what this account did, or what was done to it.", show_default=False)
    ] = "",
    since: Annotated[str, typer.Option(help="Only from then on (UTC), such as 2026-11-25.", show_default=False)] = "",
    until: Annotated[str, typer.Option(help="Only before then (UTC).", show_default=False)] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many, the newest first.", min=1)] = 20,
    json: bool = Json,
) -> None:
    """List entries, newest first."""
    from civicops.audit.events import KINDS  # noqa: PLC0415
    from civicops.contracts.problems import nearest  # noqa: PLC0415

    if kind and kind not in KINDS:
        raise CivicopsError(f"There is no kind of event '{kind}'.", hint=f"{nearest(kind, KINDS)}.")
    log = _log()
    found = log.find(
        kind=kind, subject=subject, actor=who, since=_moment(since) if since else None,
        until=_moment(until) if until else None, limit=limit,
    )  # fmt: skip
    names = log.names_of(found)
    if json:
        as_json([_plain(entry, names, {}) for entry in found])
        return
    rows = [
        (
            one.index,
            one.at.strftime("%Y-%m-%d %H:%M:%S"),
            one.kind,
            _name(one.actor, names),
            one.subject,
            _short(one, names),
        )
        for one in found
    ]
    if rows:
        table(("entry", "logged at (UTC)", "kind", "who", "subject", "what"), rows, right=("entry",))
    else:
        say("No entry is like that.")
    next_step(f"civicops audit show {found[0].index}" if found else "civicops audit list")


@app.command("show")
def show(index: Index, json: bool = Json) -> None:
    """Show one entry with what is kept of people beside it."""
    log = _log()
    entry = log.entry(index)
    names, personal = log.names_of([entry]), log.personal_of([entry]).get(index, {})
    if json:
        as_json(_plain(entry, names, personal))
        return
    say(f"Entry {index}: {entry.kind} of {entry.subject}")
    say(f"logged   {entry.at:%Y-%m-%d %H:%M:%S} UTC")
    if entry.happened_at:
        say(f"happened {entry.happened_at:%Y-%m-%d %H:%M:%S} UTC")
    say(f"by       {_name(entry.actor, names)}" + (f", about {_name(entry.about, names)}" if entry.about else ""))
    for name, value in entry.content.items():
        say(f"  {name}: {value}")
    for name in entry.personal:
        say(f"  {name}: {personal.get(name, '(erased)')}")
    next_step(f"civicops audit prove {index} --out entry-{index}.tlog-proof")


@app.command("prove")
def prove(
    index: Index,
    out: Annotated[Path | None, typer.Option(help="Write the proof into this file.", show_default=False)] = None,
    personal: Annotated[
        bool,
        typer.Option("--personal", help="With --json: the personal values and salts too, for those who may know them."),
    ] = False,
    json: bool = Json,
) -> None:
    """Prove that an entry is in the log: a text (tlog-proof) that anybody can check without us."""
    from civicops.audit.merkle import leaf_hash  # noqa: PLC0415
    from civicops.audit.prove import opened  # noqa: PLC0415
    from civicops.audit.prove import prove as make  # noqa: PLC0415

    log = _log()
    proof = make(log, index)
    if out is not None:
        out.write_text(proof.text(), encoding="utf-8")
    if json:
        answer: dict[str, Any] = {
            "index": index, "size": proof.checkpoint.size, "entry": proof.entry.decode(),
            "leaf_hash": leaf_hash(proof.entry).hex(), "path": [b64encode(one).decode() for one in proof.path],
            "checkpoint": proof.checkpoint.text, "key": str(log.verifier_key),
        }  # fmt: skip
        if personal:
            fields, people = opened(log, log.entry(index))
            answer |= {"personal": fields, "people": people}
        as_json(answer)
        return
    if out is None:
        sys.stdout.write(proof.text())
        return
    say(f"The proof of entry {index} among {proof.checkpoint.size:,} is in {out}.")
    next_step(f"civicops audit check {out}")


@app.command("check")
def check(
    proof: Annotated[Path, typer.Argument(metavar="FILE", help="What `audit prove` wrote.", show_default=False)],
    key: Key = "",
    json: bool = Json,
) -> None:
    """Check a proof that somebody gave you; with --key no workspace and no log is needed."""
    from civicops.audit.notes import VerifierKey  # noqa: PLC0415
    from civicops.audit.prove import check as hold  # noqa: PLC0415

    entry, checkpoint = hold(_text(str(proof)), VerifierKey.parse(key) if key else _log(for_reading=True).verifier_key)
    if json:
        as_json({"holds": True, "size": checkpoint.size, "entry": _plain(entry, {}, {})})
        return
    say(f"It holds: {checkpoint.origin} had this as entry {entry.index} among {checkpoint.size:,}.")
    say(f"{entry.kind} of {entry.subject}, logged {entry.at:%Y-%m-%d %H:%M:%S} UTC: {dict(entry.content)}")
    next_step(f"civicops audit show {entry.index}")


@app.command("consistency")
def consistency(
    old: Annotated[int, typer.Argument(metavar="OLD", help="How many entries the log had.", show_default=False, min=0)],
    new: Annotated[
        int | None,
        typer.Argument(metavar="[NEW]", help="How many it had later; all of them when left out.", show_default=False),
    ] = None,
    json: bool = Json,
) -> None:
    """Prove that the log of NEW entries begins with that of OLD: both roots and the hashes between them (RFC 6962)."""
    from civicops.audit.prove import prove_growth  # noqa: PLC0415

    found = prove_growth(_log(), old, new)
    path = [b64encode(one).decode() for one in found.path]
    answer = {
        "old": found.old, "new": found.new, "old_root": b64encode(found.old_root).decode(),
        "new_root": b64encode(found.new_root).decode(), "path": path,
    }  # fmt: skip
    if json:
        as_json(answer)
        return
    say(f"{found.old} {answer['old_root']}")
    say(f"{found.new} {answer['new_root']}")
    for line in path:
        say(line)
    next_step("civicops audit verify --checkpoint FILE")


@app.command("checkpoint")
def checkpoint(json: bool = Json) -> None:
    """Print the signed checkpoint of now, and nothing else. Keep it where the owner of the log cannot change it."""
    found = _log().checkpoint()
    if json:
        as_json({"origin": found.origin, "size": found.size, "root": found.root.hex(), "note": found.text})
    else:
        sys.stdout.write(found.text)


@app.command("key")
def key(json: bool = Json) -> None:
    """Print the verifier key, and nothing else. Publish it where many see it."""
    found = _log().verifier_key
    if json:
        as_json({"name": found.name, "id": found.id.hex(), "key": str(found)})
    else:
        say(str(found))


@app.command("erase")
def erase(
    what: Annotated[
        str,
        typer.Argument(metavar="PERSON|INDEX", help="An account name, or the place of one entry.", show_default=False),
    ],
    reason: Annotated[str, typer.Option(help="Why, for the record.", show_default=False)],
    who: Annotated[str, typer.Option(help="Who you are; your user name when left out.", show_default=False)] = "",
    json: bool = Json,
) -> None:
    """Erase what is kept of a person, or beside one entry. The log stays as it is, and says that it was done."""
    log = _log()
    index = int(what) if what.isascii() and what.isdecimal() else None
    person = "" if index is not None else what
    done = log.erase(reason=reason, who=who or _user(), person=person, index=index)
    if json:
        as_json(done)
        return
    say(
        f"{done.fields:,} personal fields of {len(done.entries):,} entries are gone"
        + (", and the name." if done.pseudonym else ".")
    )
    next_step("civicops audit verify")


def _log(*, for_reading: bool = False) -> Log:
    """The workspace's log. `for_reading`: as it is, however damaged, without making one."""
    from civicops.audit.log import existing_log, open_log  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    return existing_log(workspace) if for_reading and workspace.folder("audit").exists() else open_log(workspace)


def _reconcile() -> tuple[str, ...]:
    from civicops.orchestrate.auditing import reconcile  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    return reconcile(Workspace.find())


def _user() -> str:
    from civicops.release.history import who_acts  # noqa: PLC0415

    return who_acts()


def _text(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CivicopsError(
            f"{name} cannot be read.", hint="Give a file with the text, or - for standard input."
        ) from error


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise CivicopsError(f"'{text}' is no moment.", hint="Write it as 2026-11-25 or 2026-11-25T18:00Z.") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _plain(entry: Entry, names: dict[str, str], personal: dict[str, str]) -> dict[str, Any]:
    return {
        "index": entry.index, "at": entry.at.isoformat(), "kind": entry.kind, "subject": entry.subject,
        "actor": entry.actor, "actor_name": names.get(entry.actor), "about": entry.about or None,
        "about_name": names.get(entry.about), "content": entry.content, "commitments": entry.personal,
        "personal": personal, "key": entry.key or None,
        "happened_at": entry.happened_at.isoformat() if entry.happened_at else None,
    }  # fmt: skip


def _name(pseudonym: str, names: dict[str, str]) -> str:
    from civicops.audit.events import NOBODY  # noqa: PLC0415

    return pseudonym if pseudonym in NOBODY else names.get(pseudonym, f"{pseudonym[:9]} (erased)")


def _short(entry: Entry, names: dict[str, str]) -> str:
    words = [_name(entry.about, names)] if entry.about else []
    words += [f"{name}: {value}" for name, value in entry.content.items()]
    text = ", ".join(words)
    return text if len(text) <= 60 else f"{text[:59]}…"
