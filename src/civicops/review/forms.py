"""Fields of a decision, made from the contract, and checking what somebody entered.

Belongs here: from columns and their checks to `Field`, and from entered values to values of the right type. Does not belong here:
drawing a form (`civicops.portal`) or what a decision means (`rules`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from civicops.checks.rules import LookupValues
from civicops.contracts import Column, Contract
from civicops.contracts.checktypes import Allowed, Length, Pattern, Range
from civicops.contracts.problems import nearest
from civicops.errors import CivicopsError

MAX_TEXT = 20_000
"""Characters of one value; longer ones are no answer of a person."""
MAX_ITEMS = 1_000


class FormError(CivicopsError):
    """What was entered cannot be a decision: one sentence per field."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        self.faults = dict(faults)
        words = "; ".join(f"{name}: {text}" for name, text in faults.items())
        super().__init__(f"The values cannot be taken as they are: {words}.", hint="Mend them and decide again.")


@dataclass(frozen=True)
class Field:
    """One field of a form: everything the contract says of its column that a person who fills it has to know."""

    name: str
    title: str
    description: str
    kind: str
    """The contract's logical type: string, integer, number, boolean, date, timestamp, time, array or object."""
    required: bool
    choices: tuple[str | int | float | bool, ...] = ()
    """The only values allowed; empty: any."""
    pattern: str | None = None
    """The whole text must match it (RE2)."""
    minimum: int | float | str | None = None
    maximum: int | float | str | None = None
    shortest: int | None = None
    longest: int | None = None
    unit: str | None = None
    examples: tuple[str, ...] = ()
    is_personal: bool = False


def fields_of(
    contract: Contract, names: Sequence[str], optional: Sequence[str], lookups: LookupValues
) -> tuple[Field, ...]:
    """The form's fields for some columns of a contract, in the order given. `lookups`: `Product.lookup_values(contract)`."""
    return tuple(_field(contract, contract.column(name), name in optional, lookups) for name in names)


def _field(contract: Contract, column: Column, is_optional: bool, lookups: LookupValues) -> Field:
    more: dict[str, Any] = {}
    for check in contract.row_checks:
        if check.column != column.name:
            continue
        match check.spec:
            case Allowed(lookup=None, values=values):
                more["choices"] = tuple(values)
            case Allowed(lookup=lookup, lookup_column=named) if lookup and named:
                more["choices"] = tuple(lookups.get((lookup, named), ()))
            case Pattern(pattern=pattern):
                more["pattern"] = pattern
            case Range(minimum=low, maximum=high):
                more |= {"minimum": low, "maximum": high}
            case Length(minimum=low, maximum=high):
                more |= {"shortest": low, "longest": high}
            case _:
                continue
    return Field(
        column.name, column.title, column.description, column.logical_type, column.required and not is_optional,
        unit=column.unit, examples=column.examples, is_personal=column.pii_class != "none", **more,
    )  # fmt: skip


def checked(fields: Sequence[Field], values: Mapping[str, Any]) -> dict[str, Any]:
    """Entered values as the types of their fields, every field named, an empty one None.

    Takes JSON values and the texts of an HTML form alike. Raises `FormError` with every fault at once.
    """
    known = {field.name: field for field in fields}
    faults = {name[:80]: f"there is no such field; {nearest(name[:80], known)}" for name in values if name not in known}
    result: dict[str, Any] = {}
    for name, field in known.items():
        try:
            result[name] = _value(field, values.get(name))
        except (ValueError, TypeError, OverflowError) as error:
            faults[name] = str(error)
    if faults:
        raise FormError(faults)
    return result


def _value(field: Field, given: Any) -> Any:
    if given is None or (isinstance(given, str) and not given.strip()) or (given == [] and field.kind == "array"):
        if field.required:
            raise ValueError("a value is needed")
        return None
    value = _typed(field, given)
    if field.choices and field.kind != "array" and value not in field.choices:
        raise ValueError(f"'{value}' is not allowed; {nearest(str(value), map(str, field.choices))}")
    if field.choices and field.kind == "array" and (stray := [item for item in value if item not in field.choices]):
        raise ValueError(f"'{stray[0]}' is not allowed; {nearest(str(stray[0]), map(str, field.choices))}")
    if isinstance(value, str) and field.kind == "string":
        _text(field, value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        _bounds(value, field.minimum, field.maximum)
    if field.kind in ("date", "timestamp"):
        low, high = (str(bound) if bound is not None else None for bound in (field.minimum, field.maximum))
        _bounds(str(value)[: len(low or value)], low, None)
        _bounds(str(value)[: len(high or value)], None, high)
    return value


def _typed(field: Field, given: Any) -> Any:
    match field.kind:
        case "boolean":
            return _boolean(given)
        case "integer":
            if isinstance(given, bool) or (isinstance(given, float) and not given.is_integer()):
                raise ValueError("a whole number is needed")
            return _number(int, given, "a whole number is needed")
        case "number":
            number: float = _number(float, given, "a number is needed")
            if not math.isfinite(number):
                raise ValueError("a number is needed")
            return number
        case "date":
            return _moment(date.fromisoformat, given, "a day is needed, such as 2026-03-01")
        case "time":
            return _moment(time.fromisoformat, given, "a time is needed, such as 17:30")
        case "timestamp":
            return _moment(datetime.fromisoformat, given, "a moment is needed, such as 2026-03-01T17:30")
        case "array":
            items = given if isinstance(given, list | tuple) else [part.strip() for part in str(given).split(",")]
            if len(items) > MAX_ITEMS:
                raise ValueError(f"at most {MAX_ITEMS} items can be given")
            return [_short(item) for item in items if item not in ("", None)]
        case "object":
            return _short(given)
    if not isinstance(given, str | int | float) or isinstance(given, bool):
        raise ValueError("a text is needed")
    return str(_short(str(given).strip()))


def _short(value: Any) -> Any:
    """The value, unless it is longer than an answer of a person can be, or holds what no database takes."""
    text = value if isinstance(value, str) else str(value)
    if len(text) > MAX_TEXT:
        raise ValueError(f"it is longer than {MAX_TEXT:,} characters")
    if "\0" in text:
        raise ValueError("it holds a character that no text has")
    if isinstance(value, str):
        text.encode("utf-8")
    return value


def _boolean(given: Any) -> bool:
    if isinstance(given, bool):
        return given
    word = str(given).strip().lower()
    if word in ("true", "yes", "on", "1"):
        return True
    if word in ("false", "no", "off", "0"):
        return False
    raise ValueError("yes or no is needed")


def _number(kind: type, given: Any, words: str) -> Any:
    try:
        return kind(given if isinstance(given, int | float) else str(given).strip())
    except ValueError:
        raise ValueError(words) from None


def _moment(read: Any, given: Any, words: str) -> str:
    """ISO text of a date, a time or a moment; decisions are JSON, where there are no others."""
    if isinstance(given, date | time):
        return given.isoformat()
    try:
        return str(read(str(given).strip()).isoformat())
    except ValueError:
        raise ValueError(words) from None


def _text(field: Field, value: str) -> None:
    if field.shortest is not None and len(value) < field.shortest:
        raise ValueError(f"at least {field.shortest} characters are needed")
    if field.longest is not None and len(value) > field.longest:
        raise ValueError(f"at most {field.longest} characters are allowed")
    if field.pattern is not None:
        # RE2, as the contract's check uses: the same answer, and no pattern runs for ever.
        matches = pc.match_substring_regex(pa.array([value]), rf"\A(?:{field.pattern})\z")
        if not matches[0].as_py():
            like = f", such as {field.examples[0]}" if field.examples else ""
            raise ValueError(f"it does not look as it must{like}")


def _bounds(value: Any, low: Any, high: Any) -> None:
    if low is not None and value < low:
        raise ValueError(f"it must not be below {low}")
    if high is not None and value > high:
        raise ValueError(f"it must not be above {high}")
