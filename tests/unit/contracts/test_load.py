"""Reading contract files: what is accepted, and how each fault is named."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from civicops.contracts import ContractFileError, load_contract, load_contracts
from civicops.contracts.checktypes import DATASET_CHECKS, ROW_CHECKS

GOOD: dict[str, Any] = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "library.visits",
    "name": "Visits",
    "version": "1.0.0",
    "status": "active",
    "dataProduct": "library",
    "description": {"purpose": "Count visits."},
    "team": {"members": [{"username": "ada-example", "role": "owner"}]},
    "customProperties": [
        {"property": "layer", "value": "accepted"},
        {"property": "access", "value": "internal"},
        {"property": "licence", "value": "CC0-1.0"},
    ],
    "schema": [
        {
            "name": "visits",
            "quality": [
                {
                    "id": "left_after_came",
                    "description": "Nobody leaves before they came.",
                    "type": "custom",
                    "engine": "civicops",
                    "implementation": {"check": "compare", "left": "left_at", "operator": ">=", "right": "came_at"},
                }
            ],
            "properties": [
                {"name": "visit_id", "logicalType": "string", "primaryKey": True, "description": "The visit."},
                {
                    "name": "came_at",
                    "physicalName": "Came",
                    "logicalType": "timestamp",
                    "description": "When.",
                    "required": True,
                    "logicalTypeOptions": {"format": "%Y-%m-%d %H:%M", "defaultTimezone": "America/Los_Angeles"},
                },
                {
                    "name": "left_at",
                    "logicalType": "timestamp",
                    "description": "When they left.",
                    "logicalTypeOptions": {"format": "%Y-%m-%d %H:%M"},
                },
            ],
        }
    ],
}


def write(folder: Path, content: dict[str, Any] | str, name: str = "visits.yaml") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def faults(path: Path) -> list[str]:
    with pytest.raises(ContractFileError) as caught:
        load_contract(path)
    return [f"{problem.line}: {problem.message}" for problem in caught.value.problems]


def test_a_good_contract_is_resolved(tmp_path: Path) -> None:
    contract = load_contract(write(tmp_path, GOOD))
    assert contract.id == "library.visits"
    assert contract.key == ("visit_id",)
    assert contract.owner == "ada-example"
    assert contract.column("came_at").source_names == ("came",)
    assert contract.column("came_at").sql_type == "TIMESTAMP WITH TIME ZONE"
    assert contract.column("left_at").sql_type == "TIMESTAMP"
    # Declarations stand for checks: a key and `required` for a value, a type for being readable.
    assert {check.id: check.action for check in contract.row_checks} == {
        "visit_id_required": "quarantine",
        "came_at_required": "quarantine",
        "came_at_parses": "quarantine",
        "left_at_parses": "quarantine",
        "left_after_came": "flag",
    }


def test_every_fault_of_a_file_is_named_at_once_with_its_line_and_the_nearest_word(tmp_path: Path) -> None:
    bad = copy.deepcopy(GOOD)
    bad["statsu"] = bad.pop("status")
    bad["schema"][0]["properties"][1]["logicalType"] = "timestmp"
    bad["schema"][0]["quality"][0]["implementation"]["check"] = "comparee"
    found = faults(write(tmp_path, bad))
    text = "\n".join(found)
    assert "unknown key 'statsu'; did you mean 'status'?" in text
    assert "'status' is missing" in text
    assert "cannot be 'timestmp'; did you mean 'timestamp'?" in text
    assert "unknown check 'comparee'; did you mean 'compare'?" in text
    lines = (tmp_path / "visits.yaml").read_text().splitlines()
    for fault in found:
        number, message = fault.split(": ", 1)
        if "timestmp" in message or "comparee" in message or "statsu" in message:
            word = next(w for w in ("timestmp", "comparee", "statsu") if w in message)
            assert word in lines[int(number) - 1]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda c: c["schema"][0]["properties"].append(c["schema"][0]["properties"][0]), "given twice"),
        (lambda c: c.update(id="library.visit"), "must be called 'visit.yaml'"),
        (lambda c: c.update(dataProduct="libary"), "must be 'library'"),
        (lambda c: c["customProperties"].append({"property": "acess", "value": "public"}), "unknown property 'acess'; did you mean 'access'?"),
        (lambda c: c["customProperties"][1].update(value="publik"), "cannot be 'publik'; did you mean 'public'?"),
        (lambda c: c["schema"][0]["quality"][0]["implementation"].update(left="left"), "there is no column 'left'; did you mean 'left_at'?"),
        (lambda c: c["schema"][0]["quality"][0]["implementation"].update(actoin="flag"), "unknown key 'actoin'; did you mean 'action'?"),
        (lambda c: c["schema"][0]["quality"][0]["implementation"].update(action="drop"), "cannot be 'drop'"),
        (lambda c: c["schema"][0]["properties"][1]["logicalTypeOptions"].update(defaultTimezone="America/Los_Angles"), "did you mean 'America/Los_Angeles'?"),
        (lambda c: c["schema"][0]["properties"][2].pop("logicalTypeOptions"), "give its formats"),
        (lambda c: c["schema"][0]["properties"][2]["logicalTypeOptions"].update(format=["%Y", "%d"]), "one format is a text"),
        (lambda c: c["schema"][0]["properties"][0].update(classification="persn"), "'persn' is no class; did you mean 'person'?"),
        (lambda c: c["schema"][0]["quality"].append(c["schema"][0]["quality"][0]), "is used twice"),
        (lambda c: c["schema"][0]["properties"][2].update(physicalName="came"), "is read by both"),
        (lambda c: c.update(version="1.0"), "pattern"),
        (lambda c: c["schema"][0]["quality"][0]["implementation"].update(check="expression", expression="came_at >"), "unknown key 'left'"),
    ],
)  # fmt: skip
def test_each_fault_has_its_sentence(tmp_path: Path, change: Any, expected: str) -> None:
    bad = copy.deepcopy(GOOD)
    change(bad)
    assert any(expected in fault for fault in faults(write(tmp_path, bad))), faults(tmp_path / "visits.yaml")


def test_a_published_contract_cannot_change_rows(tmp_path: Path) -> None:
    bad = copy.deepcopy(GOOD)
    bad["customProperties"][0]["value"] = "published"
    bad["schema"][0]["quality"][0]["implementation"]["action"] = "blank"
    assert any("a published dataset is only gated" in fault for fault in faults(write(tmp_path, bad)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id: a\nid: b\n", "2: 'id' is given twice; first on line 1"),
        ("a: [1, 2\nb: 3\n", "is not valid YAML"),
        ("a: !!python/object/apply:os.system [ls]\n", "is not allowed: plain values only"),
        ("- 1\n", "a contract is a mapping"),
        ("", "a contract is a mapping"),
        ("a: &x [*x]\n", "refers to itself"),
    ],
)
def test_yaml_itself_is_read_strictly(tmp_path: Path, text: str, expected: str) -> None:
    assert any(expected in fault for fault in faults(write(tmp_path, text)))


def test_several_files_are_all_read_before_the_error(tmp_path: Path) -> None:
    first, second = write(tmp_path, "a: 1\n", "a.yaml"), write(tmp_path, "b: 1\n", "b.yaml")
    with pytest.raises(ContractFileError) as caught:
        load_contracts([first, second])
    assert {problem.path.name for problem in caught.value.problems} == {"a.yaml", "b.yaml"}


def test_prose_does_not_change_the_fingerprint_but_a_rule_does(tmp_path: Path) -> None:
    base = load_contract(write(tmp_path, GOOD)).fingerprint
    prose = copy.deepcopy(GOOD)
    prose["description"]["purpose"] = "Other words."
    prose["schema"][0]["quality"][0]["description"] = "Other words."
    assert load_contract(write(tmp_path, prose)).fingerprint == base
    rule = copy.deepcopy(GOOD)
    rule["schema"][0]["quality"][0]["implementation"]["operator"] = ">"
    assert load_contract(write(tmp_path, rule)).fingerprint != base


def test_every_kind_of_check_explains_itself() -> None:
    for kind, model in (ROW_CHECKS | DATASET_CHECKS).items():
        assert model.__doc__, kind
        assert model.__doc__.strip().endswith("."), kind
