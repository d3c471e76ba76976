"""Requests to delete or mask a person's record: what was asked, by whom, who agreed, how far it is.

Belongs here: the request as a value and its file, the rules of its states, and the list by which a record that was erased stays
erased when a source serves it again. Does not belong here: finding and erasing (`civicops.orchestrate.erasing`).

    erasures/<id>.json             the request; it holds the key until it is done, so only its owner may read it
    landing/<product>/erased.json  what stays erased: keyed hashes of keys, so that the list does not keep what it removes
    keys/erasure.key               the key of these hashes
"""

from __future__ import annotations

import hmac
import itertools
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

from civicops.audit import Event, open_log
from civicops.contracts import Contract
from civicops.durable import sync
from civicops.errors import CivicopsError
from civicops.ingest.landing import Landing
from civicops.ingest.redact import redact
from civicops.ingest.values import Source
from civicops.people import dataset_duties
from civicops.runs import write_json
from civicops.workspace import Product, Workspace

FOLDER = "erasures"
LOOKED = "erased-looked.json"
"""Beside the objects of a source: which of them were looked at, for which requests."""
Action = Literal["delete", "mask"]
State = Literal["proposed", "approved", "running", "done", "refused"]


class ErasureError(CivicopsError):
    """A request that cannot be made, agreed to, or carried out."""


@dataclass(frozen=True)
class Target:
    """One accepted dataset in which the record stands. `keys` holds, for each column of its key, the names it may have in the
    source (lower case); `personal` the source's names of its personal columns."""

    product: str
    dataset: str
    values: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    personal: tuple[str, ...]


@dataclass(frozen=True)
class Request:
    """A request. `key` and what `targets` hold of it are emptied once it is done; `digest` says for good which record it was."""

    id: str
    dataset: str
    action: Action
    reason: str
    requested_by: str
    requested_at: str
    digest: str
    state: State = "proposed"
    key: Mapping[str, str] = field(default_factory=dict)
    needles: tuple[str, ...] = ()
    """Texts of the record that must be found nowhere afterwards."""
    targets: tuple[Target, ...] = ()
    decided_by: str = ""
    decided_at: str = ""
    finished_at: str = ""
    proof: Mapping[str, Any] = field(default_factory=dict)


def new_request(
    workspace: Workspace, dataset: str, key: Mapping[str, str], action: Action, *, reason: str, by: str,
    targets: tuple[Target, ...], needles: tuple[str, ...],
) -> Request:  # fmt: skip
    """A proposed request, written. Raises `ErasureError` without a reason or a name."""
    if len(reason.strip()) < 5 or not by.strip():
        raise ErasureError("A request says who asked and why.", hint="--reason 'asked by mail on ...' --by NAME")
    now = datetime.now(UTC)
    request = Request(
        id=f"e-{now:%Y%m%d}-{secrets.token_hex(3)}", dataset=dataset, action=action, reason=reason.strip(), requested_by=by,
        requested_at=now.isoformat(timespec="seconds"), digest=digest(workspace, tuple(key.values())), key=dict(key),
        needles=needles, targets=targets,
    )  # fmt: skip
    return save(workspace, request)


def save(workspace: Workspace, request: Request) -> Request:
    """Write a request; only the owner of the workspace may read it."""
    path = _path(workspace, request.id)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_json(path, asdict(request))
    path.chmod(0o600)
    return request


def find(workspace: Workspace, request_id: str) -> Request:
    """A request by its id or the beginning of it. Raises `ErasureError`."""
    found = [request for request in requests(workspace) if request.id.startswith(request_id)]
    if len(found) != 1:
        raise ErasureError(f"There is no request '{request_id}'.", hint="`civicops erase list` shows every one.")
    return found[0]


def requests(workspace: Workspace) -> tuple[Request, ...]:
    """Every request, oldest first."""
    found = []
    for path in sorted(workspace.folder(FOLDER).glob("e-*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        targets = tuple(
            Target(t["product"], t["dataset"], tuple(t["values"]), tuple(map(tuple, t["keys"])), tuple(t["personal"]))
            for t in data["targets"]
        )
        found.append(Request(**{**data, "targets": targets, "needles": tuple(data["needles"])}))
    return tuple(sorted(found, key=lambda request: request.requested_at))


def decide(workspace: Workspace, request: Request, *, by: str, agrees: bool) -> Request:
    """Agree to a request, or refuse it: somebody else than who filed it, who answers for the dataset.

    Raises `ErasureError` for anybody else and for a request that was decided already.
    """
    if request.state != "proposed":
        raise ErasureError(f"{request.id} is {request.state}.", hint="Only a proposed request can be decided.")
    if by == request.requested_by:
        raise ErasureError(
            f"{by} filed it and cannot agree to it.", hint="Somebody else who answers for the dataset does."
        )
    product, _, dataset = request.dataset.partition(".")
    held = workspace.product(product)
    allowed = {duty.username for duty in dataset_duties(held, held.contract(dataset))}
    if by not in allowed:
        names = ", ".join(sorted(allowed))
        raise ErasureError(f"{by} does not answer for {request.dataset}.", hint=f"One of these does: {names}.")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    decided = replace(request, state="approved" if agrees else "refused", decided_by=by, decided_at=now)
    content = {"request": decided.id, "action": decided.action, "dataset": decided.dataset, "state": decided.state}
    open_log(workspace).append(Event("erasure", by, decided.dataset, content, key=f"erasure/{decided.id}/decided"))
    # A request that was refused has no use for what it was about.
    return save(workspace, decided if agrees else _forgotten(decided))


def finished(workspace: Workspace, request: Request, proof: Mapping[str, Any]) -> Request:
    """Keep what was proved, and forget the key and every text of the record."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return save(workspace, replace(_forgotten(request), state="done", finished_at=now, proof=dict(proof)))


def _forgotten(request: Request) -> Request:
    targets = tuple(replace(target, values=()) for target in request.targets)
    return replace(request, key={}, needles=(), targets=targets)


def target_of(product: str, contract: Contract, values: tuple[str, ...]) -> Target:
    """Where a record stands in an accepted dataset. Raises `ErasureError` for a key that is no text in the source."""
    columns = [contract.column(name) for name in contract.key]
    if not columns or any(column.logical_type != "string" or not column.source_names for column in columns):
        raise ErasureError(
            f"{contract.id} has no key of text by which its records can be found in the bytes of the source.",
            hint="Remove the delivery, or ask whoever publishes it for one without the record.",
        )
    personal = [name.strip().lower() for c in contract.columns if c.pii_class != "none" for name in c.source_names]
    keys = tuple(tuple(name.strip().lower() for name in column.source_names) for column in columns)
    return Target(product, contract.dataset, values, keys, tuple(personal))


# What stays erased ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """A record that stays erased, by the keyed hash of its key; with `personal` only those fields are emptied."""

    request: str
    dataset: str
    digest: str
    keys: tuple[tuple[str, ...], ...]
    personal: tuple[str, ...]

    def is_meant(self, key: bytes, fields: Mapping[str, str]) -> bool:
        """Whether a record of the source, by its lower-case fields, is this one."""
        choices = [[fields.get(name, "").strip() for name in names if fields.get(name)] for names in self.keys]
        return any(hmac.compare_digest(_digest(key, values), self.digest) for values in itertools.product(*choices))


def stand(workspace: Workspace, request: Request) -> None:
    """Put a request's records on the lists of what stays erased; doing it twice changes nothing."""
    for target in request.targets:
        known = standing(workspace, target.product)
        new = Standing(
            request.id, target.dataset, digest(workspace, target.values), target.keys,
            target.personal if request.action == "mask" else (),
        )  # fmt: skip
        if new not in known:
            path = _standing_path(workspace, target.product)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, {"erased": [asdict(item) for item in (*known, new)]})


def standing(workspace: Workspace, product: str) -> tuple[Standing, ...]:
    """What stays erased of a product."""
    path = _standing_path(workspace, product)
    if not path.is_file():
        return ()
    data = json.loads(path.read_text(encoding="utf-8"))
    return tuple(
        Standing(
            item["request"], item["dataset"], item["digest"], tuple(map(tuple, item["keys"])), tuple(item["personal"])
        )
        for item in data["erased"]
    )


def keep_erased(workspace: Workspace, product: Product, landing: Landing, sources: Sequence[Source]) -> int:
    """After a fetch: take out again what stays erased and was served once more; returns how many objects were written again.

    Costs nothing for a product of which nothing was ever erased, and looks at no object twice for the same requests.
    """
    known = standing(workspace, product.name)
    if not known:
        return 0
    key = secret(workspace)
    count = 0
    for source in sources:
        mine = [item for item in known if item.dataset == source.dataset]
        if not mine:
            continue
        note = landing.folder(product.name, source.name) / LOOKED
        told = json.loads(note.read_text(encoding="utf-8")) if note.is_file() else {}
        asked = sorted(f"{item.request} {item.digest}" for item in mine)
        before = set(told.get("objects", ())) if told.get("requests") == asked else set()
        new = _objects(landing, product.name, source.name) - before
        for item in mine if new else ():
            done = redact(
                landing, product.name, source.name, partial(item.is_meant, key), request=item.request, needle=b"",
                emptied=item.personal, only=new,
            )  # fmt: skip
            count += len(done)
            new |= {line.new for line in done}  # for the next of them
        if note.parent.is_dir():
            objects = sorted(_objects(landing, product.name, source.name))
            write_json(note, {"requests": asked, "objects": objects})
    return count


def _objects(landing: Landing, product: str, source: str) -> set[str]:
    return {item.sha256 for delivery in landing.deliveries(product, source) for item in delivery.objects}


def digest(workspace: Workspace, values: tuple[str, ...]) -> str:
    """The keyed hash (HMAC-SHA-256) of a key's values."""
    return _digest(secret(workspace), values)


def secret(workspace: Workspace) -> bytes:
    """The key of these hashes; made by whoever needs it first."""
    path = workspace.folder("keys") / "erasure.key"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_bytes(secrets.token_bytes(32))
        draft.chmod(0o600)
        try:
            os.link(draft, path)  # never over one that another process made meanwhile
            sync(path.parent)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_bytes()


def _digest(key: bytes, values: tuple[str, ...]) -> str:
    return hmac.new(key, json.dumps(list(values), ensure_ascii=False).encode(), "sha256").hexdigest()


def _path(workspace: Workspace, request_id: str) -> Path:
    return workspace.folder(FOLDER) / f"{request_id}.json"


def _standing_path(workspace: Workspace, product: str) -> Path:
    return workspace.folder("landing") / product / "erased.json"
