"""Formats and proofs, checked by a second implementation and against published examples."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from civicops.audit import open_log
from civicops.audit.merkle import (
    consistency_proof,
    inclusion_proof,
    is_consistent,
    leaf_hash,
    root_from_inclusion,
    tree_hash,
)
from civicops.audit.notes import COSIGNATURE, NoteError, SigningKey, VerifierKey, cosigned_at, read_checkpoint
from civicops.audit.prove import ProofError, check, prove, prove_growth
from civicops.audit.tiles import pack, tile_name, unpack, widths
from tests.unit.audit import independent
from tests.unit.audit.conftest import event, filled, workspace

EXAMPLE = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore "
    "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
)
"""The note printed in the specification of signed notes; its key is not given there."""


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 255, 256, 257, 600])
def test_roots_are_those_of_the_rfc(size: int) -> None:
    entries = [str(number).encode() for number in range(size)]
    assert tree_hash([leaf_hash(entry) for entry in entries]) == independent.mth(entries)


def test_the_roots_of_the_test_vectors_of_certificate_transparency() -> None:
    # The inputs and the last root that the reference implementations of RFC 6962 share.
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    leaves = [leaf_hash(bytes.fromhex(text)) for text in inputs]
    assert tree_hash(leaves[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert tree_hash(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_proofs_are_the_rfcs_and_hold(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 90))
    entries = [os.urandom(3) for _ in range(size)]
    leaves = [leaf_hash(entry) for entry in entries]

    def range_hash(low: int, high: int) -> bytes:
        return tree_hash(leaves[low:high])

    root = independent.mth(entries)
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_proof(index, size, range_hash)
    assert path == independent.path(index, entries)
    assert root_from_inclusion(leaves[index], index, size, path) == root
    old = data.draw(st.integers(1, size))
    growth = consistency_proof(old, size, range_hash)
    assert growth == independent.subproof(old, entries, True)
    old_root = independent.mth(entries[:old])
    assert is_consistent(old, old_root, size, root, growth)
    assert independent.fold_growth(old, size, True, old_root, growth) == (old_root, root)
    other = os.urandom(32)
    assert not is_consistent(old, other, size, root, growth)
    if growth:
        at = data.draw(st.integers(0, len(growth) - 1))
        assert not is_consistent(old, old_root, size, root, [*growth[:at], other, *growth[at + 1 :]])
        assert not is_consistent(old, old_root, size, root, growth[:-1])
    assert root_from_inclusion(leaves[index], index, size, [*path, other]) is None
    if size > 1:
        assert root_from_inclusion(leaves[index], (index + 1) % size, size, path) != root


def test_names_and_widths_of_tiles_are_those_of_the_specification() -> None:
    assert tile_name(0, 1234067) == "tile/0/x001/x234/067"
    assert tile_name("entries", 0, 7) == "tile/entries/000.p/7"
    assert tile_name(3, 999999, 255) == "tile/3/x999/999.p/255"
    assert list(widths(70_000)) == [(0, 273, 112), (1, 1, 17), (2, 0, 1)]
    assert list(widths(256)) == [(0, 1, 0), (1, 0, 1)]
    assert list(widths(0)) == []


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_bundles_are_length_prefixed(entries: list[bytes]) -> None:
    data = pack(entries)
    assert unpack(data) == entries
    assert sum(2 + len(entry) for entry in entries) == len(data)


@pytest.mark.parametrize("size", [1, 255, 256, 257, 1000])
def test_an_outsider_reads_and_proves_everything_from_the_files(tmp_path: Path, size: int) -> None:
    log = filled(tmp_path, size)
    vkey = str(log.verifier_key)
    entries = independent.everything(log.folder, vkey)
    assert [json.loads(entry)["content"]["number"] for entry in entries] == list(range(size))
    _, _, root = independent.checkpoint((log.folder / "checkpoint").read_bytes(), vkey)
    for index in {0, size // 2, size - 1}:
        proof = prove(log, index)
        assert independent.fold(index, size, independent.sha(b"\x00" + entries[index]), list(proof.path)) == root
        assert check(proof.text(), log.verifier_key)[0].index == index
    for old in {1, size // 3 or 1, size}:
        growth = prove_growth(log, old)
        before, after = independent.fold_growth(old, size, True, independent.mth(entries[:old]), list(growth.path))
        assert (before, after) == (independent.mth(entries[:old]), root) == (growth.old_root, growth.new_root)


def test_whole_tiles_cannot_be_written_and_unfinished_ones_go(tmp_path: Path) -> None:
    log = filled(tmp_path, 600)
    modes = {
        path.relative_to(log.folder).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in (log.folder / "tile").rglob("*")
        if path.is_file()
    }
    assert modes["tile/0/000"] == modes["tile/0/001"] == modes["tile/entries/001"] == 0o444
    assert not [name for name in modes if name.startswith(("tile/0/000.p", "tile/entries/000.p"))]
    assert "tile/entries/002.p/88" in modes and "tile/1/000.p/2" in modes
    assert stat.S_IMODE(log.key_file.stat().st_mode) == 0o600


def test_a_proof_that_was_changed_does_not_hold(tmp_path: Path) -> None:
    log = filled(tmp_path, 20)
    text = prove(log, 7).text()
    assert text.startswith("c2sp.org/tlog-proof@v1\nextra ") and "\nindex 7\n" in text
    entry = base64.b64encode(prove(log, 8).entry).decode()
    lines = text.split("\n")
    for changed in (
        text.replace("index 7\n", "index 8\n"),
        "\n".join([lines[0], f"extra {entry}", *lines[2:]]),
        "\n".join([*lines[:3], *lines[4:]]),
        text.replace("\n20\n", "\n21\n"),
        "nothing",
    ):
        with pytest.raises((ProofError, NoteError)):
            check(changed, log.verifier_key)


def test_notes_are_read_as_the_specification_says() -> None:
    with pytest.raises(NoteError, match="not signed by"):
        read_checkpoint(EXAMPLE, SigningKey.make("quasimodo.example/salvatore").verifier)
    key = SigningKey.make("log.example.org/one")
    again = SigningKey.parse(key.text())
    assert str(again.verifier) == str(key.verifier) == str(VerifierKey.parse(str(key.verifier)))
    made = key.checkpoint(3, b"\x01" * 32)
    assert independent.checkpoint(made.text.encode(), str(key.verifier)) == (key.name, 3, b"\x01" * 32)
    other = SigningKey.make("witness.example.org").checkpoint(3, b"\x01" * 32).text.rpartition("\n\n")[2]
    assert read_checkpoint(made.text + other, key.verifier).size == 3, "signatures of others are passed over"
    for changed in (
        made.text.replace("\n3\n", "\n4\n"),
        made.text.replace("\n3\n", "\n03\n"),
        made.text.replace("\n\n", "\n"),
        made.text[:-1],
        made.text.replace("—", "-"),
        made.text.replace("\n", "\r\n"),
        "",
    ):
        with pytest.raises(NoteError):
            read_checkpoint(changed, key.verifier)
    for text in ("", "a+b", f"{key.verifier}"[:-4] + "AAA=", str(key.verifier).replace("one", "two")):
        with pytest.raises(NoteError):
            VerifierKey.parse(text)


def test_a_witness_says_when_it_saw_a_checkpoint() -> None:
    key, witness = SigningKey.make("log.example.org/one"), Ed25519PrivateKey.generate()
    made = key.checkpoint(3, b"\x01" * 32)
    public = VerifierKey("witness.example.org/w1", COSIGNATURE, witness.public_key().public_bytes_raw())
    signed = witness.sign(f"cosignature/v1\ntime 1679315147\n{made.body}".encode())
    line = base64.b64encode(public.id + (1679315147).to_bytes(8, "big") + signed).decode()
    note = f"{made.text}— {public.name} {line}\n"
    assert cosigned_at(note, public).timestamp() == 1679315147
    assert read_checkpoint(note, key.verifier).size == 3
    later = base64.b64encode(public.id + (1679315148).to_bytes(8, "big") + signed).decode()
    with pytest.raises(NoteError, match="not cosigned"):
        cosigned_at(f"{made.text}— {public.name} {later}\n", public)


def test_the_origin_is_where_the_log_is_served(tmp_path: Path) -> None:
    assert open_log(workspace(tmp_path)).checkpoint().origin == "test-group/audit/log"
    other = tmp_path / "other"
    other.mkdir()
    (other / "civicops.toml").write_text('[workspace]\n[portal]\nhosts = ["data.example.org"]\n')
    from civicops.workspace import Workspace

    log = open_log(Workspace.find(other))
    log.append(event(1))
    assert log.checkpoint().text.startswith("data.example.org/audit/log\n1\n")
