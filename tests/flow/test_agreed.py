"""Whose agreement to a change counts: real commits, signed with real keys.

Belongs here: lines `Approved-by`, signatures, what was changed after somebody agreed. Does not belong here: who must agree
(`test_change`), the other steps of a change (`test_ci_command`).
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from civicops.change.agreed import agreed
from civicops.change.plan import FOLDER, load, save, sealed
from civicops.change.states import Repository
from civicops.contracts import ContractFileError
from civicops.orchestrate.applying import apply_plan
from civicops.orchestrate.planning import make_plan
from civicops.orchestrate.undoing import ApplyError
from civicops.people import read_people
from tests.flow.orchard import Orchard, drop_dead
from tests.flow.portal_kit import PROGRAM

pytestmark = pytest.mark.xdist_group("agreed")

ADA, BEN, CLEO = "ada-example", "ben-example", "cleo-example"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A folder with a key pair for each name."""
    folder = tmp_path / "keys"
    folder.mkdir()
    for name in (ADA, BEN, CLEO):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder / name], check=True)
    return folder


def people(orchard: Orchard, keys: Path, *with_key: str) -> None:
    entries = [
        {"username": name}
        | ({"signing_keys": [(keys / f"{name}.pub").read_text(encoding="utf-8").strip()]} if name in with_key else {})
        for name in (ADA, BEN, CLEO)
    ]
    (orchard.root / "people.yaml").write_text(yaml.safe_dump({"people": entries}, width=1000), encoding="utf-8")


def strictly(orchard: Orchard) -> None:
    text = (orchard.root / "civicops.toml").read_text(encoding="utf-8")
    (orchard.root / "civicops.toml").write_text(text + 'agreement = "signed"\n', encoding="utf-8")


def say_so(orchard: Orchard, *names: str, key: Path | None = None) -> None:
    words = [
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "I have looked at it\n\n" + "\n".join(f"Approved-by: {n}" for n in names),
    ]
    if key is None:
        orchard.git(*words)
        return
    name = [
        "-c",
        "user.name=Somebody",
        "-c",
        "user.email=somebody@example.org",
        "-c",
        "gpg.format=ssh",
        "-c",
        f"user.signingkey={key}",
    ]
    subprocess.run(["git", *name, *words, "-S"], cwd=orchard.root, check=True, capture_output=True)


def told(orchard: Orchard, *approved: str) -> tuple[dict[str, str], dict[str, str]]:
    found = agreed(orchard.workspace, Repository(orchard.workspace).branch("main"), approved)
    return dict(found.names), dict(found.refused)


def test_of_somebody_with_a_key_only_a_commit_signed_with_it_counts(orchard: Orchard, keys: Path) -> None:
    people(orchard, keys, ADA, BEN)
    orchard.commit("people")
    orchard.git("checkout", "-qb", "no-dead-trees")
    drop_dead(orchard)
    orchard.commit("dead trees are not let in")
    say_so(orchard, ADA, CLEO)
    names, refused = told(orchard)
    assert set(names) == {CLEO} and "not signed with a key of ada-example" in refused[ADA]
    say_so(orchard, ADA, key=keys / BEN)
    assert ADA not in told(orchard)[0], "signed, and by somebody else"
    say_so(orchard, ADA, key=keys / ADA)
    names, refused = told(orchard)
    assert set(names) == {ADA, CLEO} and names[ADA].endswith(", signed") and not refused
    assert told(orchard, BEN)[0][BEN] == "named with --approved"


def test_nobody_can_write_a_signature_into_a_name_or_a_line(orchard: Orchard, keys: Path) -> None:
    people(orchard, keys, ADA)
    orchard.commit("people")
    orchard.git("checkout", "-qb", "no-dead-trees")
    drop_dead(orchard)
    orchard.commit("dead trees are not let in")
    # A name may hold what stands between the fields of a table, and a line may go on in the next.
    author = f"--author=Eve\tG\t{ADA}\t{ADA} <eve@example.org>"
    orchard.git("commit", "-q", "--allow-empty", author, "-m", f"so they say\n\nApproved-by: {ADA}")
    orchard.git("commit", "-q", "--allow-empty", "-m", f"more\n\nApproved-by: {CLEO}\n  abc\tEve\tG\t{ADA}\t{ADA}")
    names, refused = told(orchard)
    assert ADA not in names and "not signed with a key of ada-example" in refused[ADA]


def test_nobody_agrees_by_a_key_that_the_change_brings(orchard: Orchard, keys: Path) -> None:
    people(orchard, keys, ADA)
    orchard.commit("people")
    orchard.git("checkout", "-qb", "mine-now")
    text = (orchard.root / "people.yaml").read_text(encoding="utf-8")
    public = [(keys / f"{name}.pub").read_text(encoding="utf-8").strip() for name in (ADA, BEN)]
    (orchard.root / "people.yaml").write_text(text.replace(public[0], public[1]), encoding="utf-8")
    orchard.commit("ada has a new key, says somebody")
    say_so(orchard, ADA, key=keys / BEN)
    assert ADA in told(orchard)[1]


def test_what_was_said_of_another_state_does_not_count(orchard: Orchard, keys: Path) -> None:
    orchard.git("checkout", "-qb", "no-dead-trees")
    drop_dead(orchard)
    orchard.commit("dead trees are not let in")
    say_so(orchard, BEN)
    assert set(told(orchard)[0]) == {BEN}
    (orchard.root / "products" / "trees" / "README.md").write_text("# Trees\n", encoding="utf-8")
    orchard.commit("a word about it")
    assert set(told(orchard)[0]) == {BEN}, "texts for people change nothing of what he agreed to"
    path = orchard.path("trees.trees")
    path.write_text(path.read_text(encoding="utf-8") + "# more\n", encoding="utf-8")
    names, refused = told(orchard)
    assert not names and "trees.yaml changed since" in refused[BEN]
    orchard.commit("one more thing")
    assert not told(orchard)[0]
    say_so(orchard, BEN)
    assert set(told(orchard)[0]) == {BEN}


def test_where_only_signed_words_count_a_name_on_the_command_line_is_refused(orchard: Orchard, keys: Path) -> None:
    people(orchard, keys, ADA, BEN, CLEO)
    strictly(orchard)
    orchard.commit("people, and signed words only")
    orchard.git("checkout", "-qb", "one-more")
    data = orchard.read("trees.trees")
    data["schema"][0]["properties"][3]["description"] = "How high it is, in feet."
    orchard.write("trees.trees", data, "2.0.0")
    text = (orchard.root / "civicops.toml").read_text(encoding="utf-8")
    (orchard.root / "civicops.toml").write_text(text.replace("signed", "said"), encoding="utf-8")
    orchard.commit("feet, and anybody's word, says the change itself")
    plan = make_plan(orchard.workspace)
    save(plan, orchard.workspace.folder(FOLDER))
    wanted = {one.who for one in plan.approvals}
    assert ADA in wanted
    words = [*PROGRAM, "apply", plan.id, *(f"--approved={name}" for name in wanted)]
    done = subprocess.run(words, cwd=orchard.root, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "only signed commits count" in done.stderr and "git commit -S" in done.stderr
    for name in wanted:
        say_so(orchard, name, key=keys / name)
    done = subprocess.run(words[:5], cwd=orchard.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_plan_that_somebody_wrote_or_changed_is_not_known_to_the_log(orchard: Orchard) -> None:
    drop_dead(orchard)
    made = make_plan(orchard.workspace)
    assert {ADA, BEN} <= {one.who for one in made.approvals}
    # Sealed anew, so that its name fits its content.
    plan = sealed(made.model_copy(update={"approvals": ()}))
    path = save(plan, orchard.workspace.folder(FOLDER))
    assert load(str(path), orchard.workspace.folder(FOLDER)) == plan
    before = orchard.bytes_of_releases()
    with pytest.raises(ApplyError, match="audit log does not know plan"):
        apply_plan(orchard.workspace, plan)
    assert orchard.bytes_of_releases() == before
    apply_plan(orchard.workspace, made, approved=(ADA, BEN, CLEO))


def test_a_key_that_is_none_is_an_error_with_its_line(orchard: Orchard, keys: Path) -> None:
    people(orchard, keys, ADA)
    assert read_people(orchard.workspace) is not None
    path = orchard.root / "people.yaml"
    path.write_text("people:\n  - username: ada-example\n    signing_keys: ['AAAA no key']\n", encoding="utf-8")
    with pytest.raises(ContractFileError, match="public SSH key"):
        read_people(orchard.workspace)


def test_the_log_holds_every_plan_that_can_be_applied(orchard: Orchard) -> None:
    drop_dead(orchard)
    plan = make_plan(orchard.workspace)
    done = subprocess.run(
        [*PROGRAM, "audit", "list", "--subject", f"plan/{plan.id}", "--json"],
        cwd=orchard.root, capture_output=True, text=True, check=True,
    )  # fmt: skip
    entries = json.loads(done.stdout)
    assert "planned" in json.dumps(entries)
