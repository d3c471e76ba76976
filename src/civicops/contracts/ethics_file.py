"""Reading `ethics.yaml`, with every fault of the file named at once.

Belongs here: text to `Reviews`; which answers of a form are still missing. Does not belong here: what reviews mean for a dataset
(`ethics`), writing the form (`civicops.govern`).

A form whose answers are missing is no fault: whoever began it may run the product on; it counts for nothing until it is filled
in. Anything else that is wrong is an error like one in a contract.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from civicops.contracts.ethics import BegunReview, EthicsReview, Reviews, needs_review
from civicops.contracts.explain import explain_validation
from civicops.contracts.model import Contract
from civicops.contracts.problems import ContractFileError, Problem, nearest
from civicops.contracts.yaml_lines import Document, YamlPath, read_yaml

PLACEHOLDER = "?"
"""What the form writes where an answer belongs."""
_NO_ANSWERS = frozenset({PLACEHOLDER, "", "todo", "tbd", "...", "…", "xxx", "n/a", "-", "none"})
_ANSWERED = ("purpose", "lives", "risks", "asked", "reviewers", "decision", "conditions", "reviewed_on", "expires_on")


def read_reviews(path: Path, contracts: Sequence[Contract]) -> Reviews:
    """The reviews of a product whose contracts are given; none without the file.

    Raises `ContractFileError` with every wrong key, type, date and name of a dataset.
    """
    if not path.is_file():
        return Reviews()
    document = read_yaml(path)
    if document.data is None:
        return Reviews()
    problems: list[Problem] = []
    listed = _listed(document, problems)
    finished: list[EthicsReview] = []
    begun: list[BegunReview] = []
    for index, item in enumerate(listed):
        at: YamlPath = ("reviews", index)
        missing = tuple(_unanswered(document, item, at))
        if missing:
            begun.append(BegunReview(_named(item), missing))
            continue
        try:
            review = EthicsReview.model_validate(item)
        except ValidationError as error:
            problems.extend(explain_validation(document, error, EthicsReview, at))
            continue
        problems.extend(_unknown_datasets(document, review, at, contracts))
        finished.append(review)
    if problems:
        raise ContractFileError(problems)
    return Reviews(tuple(finished), tuple(begun))


def _listed(document: Document, problems: list[Problem]) -> list[Any]:
    data = document.data
    if not isinstance(data, dict):
        problems.append(Problem(document.path, 1, "an ethics file is a mapping with the key 'reviews'; this is not"))
        return []
    for key in data:
        if key != "reviews":
            line = document.line((key,))
            problems.append(Problem(document.path, line, f"unknown key '{key}'; {nearest(str(key), ['reviews'])}"))
    found = data.get("reviews")
    if found is not None and not isinstance(found, list):
        problems.append(Problem(document.path, document.line(("reviews",)), "'reviews' is a list of reviews"))
        return []
    return found or []


def _named(item: dict[str, Any]) -> tuple[str, ...]:
    covers = item.get("covers")
    names = [one.get("dataset") for one in covers if isinstance(one, dict)] if isinstance(covers, list) else []
    return tuple(name for name in names if isinstance(name, str))


def _unanswered(document: Document, item: Any, at: YamlPath) -> Iterator[Problem]:
    """Every place of the form that holds no answer yet."""
    if not isinstance(item, dict):
        return
    for key in _ANSWERED:
        if key in item:
            yield from _placeholders(document, item[key], (*at, key), key)


def _placeholders(document: Document, value: Any, at: YamlPath, where: str) -> Iterator[Problem]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _placeholders(document, inner, (*at, key), f"{where}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _placeholders(document, inner, (*at, index), where)
    elif value is None or (isinstance(value, str) and value.strip().lower() in _NO_ANSWERS):
        yield Problem(document.path, document.line(at), f"'{where}' is not answered yet")


def _unknown_datasets(
    document: Document, review: EthicsReview, at: YamlPath, contracts: Sequence[Contract]
) -> Iterator[Problem]:
    known = {contract.dataset: contract for contract in contracts if contract.layer == "published"}
    public = [name for name, contract in known.items() if needs_review(contract)]
    for index, item in enumerate(review.covers):
        place = (*at, "covers", index, "dataset")
        contract = known.get(item.dataset)
        if contract is None:
            message = f"there is no published dataset '{item.dataset}'; {nearest(item.dataset, public or known)}"
            yield Problem(document.path, document.line(place), message)
