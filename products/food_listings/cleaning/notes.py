"""What cleaning a row leaves behind: fixes (old, new, rule) and findings (check, field, value, message).

Belongs here: collecting them. Does not belong here: deciding what is one. Codes are those of lookups/fix_rules.csv and
lookups/listing_checks.csv; a test holds the code against both.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fix:
    """A value that a rule changed. `new` is empty where the rule took it out."""

    field: str
    old: str
    new: str
    rule: str


@dataclass(frozen=True)
class Finding:
    """Something that a person should look at."""

    check: str
    field: str
    value: str
    message: str


@dataclass
class Notes:
    """The fixes and findings of one row, growing while it is cleaned."""

    fixes: list[Fix] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def fix(self, column: str, old: object, new: object, rule: str) -> None:
        """Record a change; equal values are none."""
        before, after = "" if old is None else str(old), "" if new is None else str(new)
        if before != after:
            self.fixes.append(Fix(column, before, after, rule))

    def find(self, check: str, column: str, value: object, message: str) -> None:
        """Record a finding."""
        self.findings.append(Finding(check, column, "" if value is None else str(value)[:500], message))
