"""What a contract says to protect people: rules that treat values on their way out, and personal data that are there on purpose.

Belongs here: the values and which of two treatments protects more. Does not belong here: the SQL of a treatment
(`civicops.release.treatments`), looking for personal data that nobody declared (`civicops.govern`).
"""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Kind = Literal["null", "round", "mask", "hash", "coarsen"]
Period = Literal["month", "quarter", "year"]
PersonalKind = Literal["name", "phone", "email", "address", "ssn", "card", "ip", "birth", "profile"]
"""What the detectors look for; see the reference of personal data."""

EVERY_ROW = "TRUE"
_DAYS: dict[str, float] = {"month": 30.0, "quarter": 91.0, "year": 365.0}
_OPTIONS: dict[str, frozenset[str]] = {
    "null": frozenset(),
    "round": frozenset({"decimals"}),
    "mask": frozenset({"keep"}),
    "hash": frozenset({"rotates"}),
    "coarsen": frozenset({"to", "width", "keep"}),
}


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Treatment(_Value):
    """What a privacy rule does to one column.

    `null` empties it. `round` rounds a number to `decimals`. `mask` keeps the last `keep` characters of a text and puts `***` for
    the rest; of a text that is not at least twice as long nothing is kept. `hash` puts a keyed hash (HMAC-SHA-256, 32 hexadecimal
    digits) in its place: equal values have equal hashes until the key `rotates`, and nobody can compute or compare them once the
    key is destroyed. `coarsen` puts a date or moment back `to` the first day of its month, quarter or year, a number down to a
    multiple of `width`, or keeps the first `keep` characters of a text, such as three digits of a ZIP code.
    """

    column: str = Field(description="The column it treats.")
    treatment: Kind = Field(description="What is done to the value.")
    decimals: int | None = Field(default=None, description="For `round`: how many decimals stay.")
    keep: int | None = Field(
        default=None, ge=0, le=12, description="For `mask` and `coarsen`: how many characters stay."
    )
    rotates: Period | None = Field(default=None, description="For `hash`: how long one key is used (UTC).")
    to: Period | None = Field(default=None, description="For `coarsen` of dates and moments: the period that stays.")
    width: float | None = Field(default=None, gt=0, description="For `coarsen` of numbers: the width of the bins.")

    @model_validator(mode="after")
    def _fits(self) -> Treatment:
        given = {name for name in ("decimals", "keep", "rotates", "to", "width") if getattr(self, name) is not None}
        allowed = _OPTIONS[self.treatment]
        if stray := sorted(given - allowed):
            raise ValueError(f"'{self.treatment}' takes no {', '.join(stray)}")
        if self.treatment == "hash" and self.rotates is None:
            raise ValueError("'hash' needs 'rotates': month, quarter or year")
        if self.treatment == "coarsen" and len(given) != 1:
            raise ValueError("'coarsen' needs one of 'to' (dates), 'width' (numbers) and 'keep' (texts)")
        if self.treatment == "mask" and self.keep is None:
            raise ValueError("'mask' needs 'keep', the number of characters that stay (0: none)")
        return self

    @property
    def shown(self) -> str:
        """In words, for plans."""
        match self.treatment:
            case "null":
                return "empty"
            case "round":
                return f"to {self.decimals} decimals"
            case "mask":
                return f"masked but for the last {self.keep}" if self.keep else "masked"
            case "hash":
                return f"hashed, another key each {self.rotates}"
            case _:
                part = (
                    f"{self.to}s"
                    if self.to
                    else f"steps of {self.width:g}"
                    if self.width
                    else f"{self.keep} characters"
                )
                return f"to {part}"

    @property
    def options(self) -> dict[str, str | int | float]:
        """The options that are set, for descriptors."""
        names = ("decimals", "keep", "rotates", "to", "width")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    @property
    def strictness(self) -> tuple[int, float]:
        """The larger, the less a reader learns; two treatments of different kinds are told apart by the first number alone."""
        match self.treatment:
            case "null":
                return 5, 0.0
            case "mask":
                return (4, 0.0) if not self.keep else (2, -float(self.keep))
            case "hash":
                return 3, -_DAYS[self.rotates or "year"]
            case "round":
                return 1, -math.log(10) * (self.decimals or 0)
            case _:
                if self.to:
                    return 1, _DAYS[self.to]
                return (1, math.log(self.width)) if self.width else (1, -float(self.keep or 0))


class PrivacyRule(_Value):
    """Rows that match `when` (SQL over the columns; every row when left out) leave the building only after `treatments`."""

    id: str
    description: str
    when: str = EVERY_ROW
    treatments: tuple[Treatment, ...] = Field(min_length=1)


class ExpectedPersonal(_Value):
    """Personal data that a column without a class holds on purpose, such as an organisation's telephone number."""

    kinds: tuple[PersonalKind, ...] = Field(min_length=1, description="Which kinds the detectors may find there.")
    reason: str = Field(min_length=10, description="Why that harms nobody; shown to whoever asks.")
