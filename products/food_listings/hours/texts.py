"""Hours from free text: 'First and third Saturday of the month, 9 am to noon; closed on holidays.'

Belongs here: which texts are hours, and what they say. Does not belong here: words (`words`), other formats (`legacy`).

A text is cut into clauses, and a clause is read as a whole or not at all. What is not read stays text. A clause that may take
hours away ('not in August', 'hours vary') and cannot be read makes all of it unread: half of such a text would send people to a
closed door. Words about something else ('bring a bag') are remarks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from .findings import Finding
from .legacy import Reading
from .model import DAY, EVERY_HOLIDAY, Day, ExceptionDays, HolidayRule, Recurrence, Rule, Schedule, Times
from .wall import times_of
from .words import Token, plain, tokens

LABEL = re.compile(
    r"^(?P<label>(?:(?:site|office|regular|normal|food|pantry|bank|grocery|groceries|hot|meals?|breakfast|lunch|dinner|evening|counter|"
    r"distribution|intake|and|services?|ongoing|program|hours|of|operation|pickup|pick-up|drive-thru|horario|horas|de|entrega|"
    r"comida|desayuno|almuerzo|cena)\s?)+?)"
    r"(?:\s?(?:are provided|is provided|is available|are available|are|is|:|,|-)\s*)+(?=\S)"
)
_TAKES = re.compile(
    r"\b(?:closed?|closes|except|excluding|not|no|never|only|vary|varies|varied|call|appointments?|until further|temporar\w+|"
    r"suspend\w*|cancel\w*|hours|holidays?|change[sd]?|season\w*|summer|winter|school|cerrado|excepto|no|cita|solo|llam\w+|"
    r"varia\w*|every|other|alternate|weather|during|starting|beginning|ends?)\b"
)
_HARMLESS = re.compile(
    r"^(?:no appointment (?:is )?(?:required|needed|necessary)\b.*|first[- ]come,? first[- ]served?|"
    r"no id (?:is )?(?:required|needed)|\w+ residents only)$"
)
_SPLIT = re.compile(r"[;\n]+|(?<!\b[ap])\.(?=\s|$)")


class _UnreadError(Exception):
    """A clause that cannot be read, with the code of the finding."""

    def __init__(self, code: str = "unreadable") -> None:
        super().__init__(code)
        self.code = code


@dataclass
class _Read:
    """What the clauses up to here said."""

    rules: list[Rule] = field(default_factory=list)
    holidays: list[HolidayRule] = field(default_factory=list)
    exceptions: list[ExceptionDays] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    last: list[Recurrence] = field(default_factory=list)
    """The days of the clause before: times alone belong to them."""
    any_time: bool = False


def read_text(text: str, timezone: str) -> Reading:
    """Rules, findings and remarks from a text; an empty text gives none of them."""
    read, left, remarks, is_safe = _Read(), [], [], True
    for raw in _clauses(text):
        clause = plain(raw).strip(" ,.")
        if not clause:
            continue
        try:
            _clause(clause, read)
        except _UnreadError as error:
            if _HARMLESS.match(clause) or not _speaks_of_hours(clause):
                remarks.append(raw.strip())
                continue
            read.last = []
            left.append(raw.strip())
            read.findings.append(Finding(error.code, raw.strip()))
            is_safe = is_safe and not _TAKES.search(clause)
    if left and not is_safe:
        return Reading(Schedule(timezone, text=text.strip()), tuple(read.findings))
    schedule = Schedule(
        timezone,
        tuple(read.rules),
        tuple(dict.fromkeys(read.exceptions)) if read.rules else (),
        tuple(dict.fromkeys(read.holidays)) if read.rules else (),
        is_any_time_by_appointment=read.any_time,
        text="; ".join(left),
    )
    return Reading(schedule, tuple(read.findings), tuple(remarks))


def _clauses(text: str) -> list[str]:
    """Parts of a text that stand for themselves. A point after a.m. ends none."""
    text = re.sub(r"\b([AaPp])\.\s?([Mm])\.?", r"\1\2", text)
    return [part for part in _SPLIT.split(text) if part.strip()]


def _speaks_of_hours(clause: str) -> bool:
    kinds = {token.kind for token in tokens(clause)}
    return bool(kinds & {"day", "days", "time", "month", "always", "ordinal", "number"}) or bool(_TAKES.search(clause))


def _clause(clause: str, read: _Read) -> None:
    """Read one clause into `read`; leaves it as it was, and raises `_UnreadError`, where that cannot be done."""
    clause = re.sub(r"^and ", "", clause)
    if _closed(clause, read):
        return
    if re.fullmatch(r"(?:by appointment(?: only)?|(?:solo )?con cita(?: previa)?)", clause):
        read.any_time = True
        return
    label = ""
    if found := LABEL.match(clause):
        label, clause = found["label"].strip(), clause[found.end() :]
    parts = [token for token in tokens(clause) if token.kind != "noise"]
    is_asked = any(token.kind == "appointment" for token in parts)
    parts = [token for token in parts if token.kind != "appointment"]
    holidays: list[HolidayRule] = []
    if len(parts) >= 2 and parts[-1].kind == "holidays" and parts[-2].kind == "except":
        parts = parts[:-2]
        holidays = [HolidayRule(EVERY_HOLIDAY, "closed")]
    notes = "" if label in {"", "hours", "regular hours", "site hours", "horario"} else label
    rules, findings, last = _Parser(parts, read.last).rules(is_asked, notes)
    if re.search(r"\b(?:office|intake)\b", notes):
        findings.append(Finding("other_hours", clause))
    read.rules += rules
    read.findings += findings
    read.last = last
    read.holidays += holidays


_CLOSED = re.compile(r"^(?:closed|cerrado)\b(?: on| los)?\s*(?P<what>.*)$")


def _closed(clause: str, read: _Read) -> bool:
    """What is taken away: 'closed on Sunday and holidays', 'closed noon to 1 pm', 'closed the first Friday of each month'."""
    found = _CLOSED.match(clause)
    if not found:
        return False
    parts = [token for token in tokens(found["what"]) if token.kind != "noise"]
    kinds = {token.kind for token in parts}
    if kinds <= {"day", "days", "holidays", "and", "comma"} and kinds & {"day", "days", "holidays"}:
        open_days = {day.weekday for rule in read.rules for day in rule.on.days}
        for token in parts:
            if token.kind in ("day", "days") and open_days & set(token.days or (token.value,)):
                raise _UnreadError
        if "holidays" in kinds:
            read.holidays.append(HolidayRule(EVERY_HOLIDAY, "closed"))
    elif kinds and kinds <= {"time", "number", "to", "and"} and read.rules:
        (times,), _ = _Parser(parts, []).all_times()
        read.rules = [left for rule in read.rules for left in _without(rule, times)]
    elif "ordinal" in kinds and not kinds & {"time", "number", "always"}:
        read.exceptions += [ExceptionDays(None, None, "closed", on=on) for on in _Parser(parts, []).only_days()]
    else:
        raise _UnreadError
    return True


def _without(rule: Rule, times: Times) -> list[Rule]:
    """A rule without a part of its hours in the middle. Raises `_UnreadError` where that part is not in the middle."""
    if not rule.times.opens < times.opens or not times.closes < rule.times.closes:
        raise _UnreadError
    return [
        replace(rule, times=Times(rule.times.opens, times.opens)), replace(rule, times=Times(times.closes, rule.times.closes))
    ]  # fmt: skip


class _Parser:
    """Reads the tokens of one clause from left to right: days, then times, again and again."""

    def __init__(self, parts: Sequence[Token], before: list[Recurrence]) -> None:
        self.parts = list(parts)
        self.at = 0
        self.before = before

    def rules(self, is_asked: bool, notes: str) -> tuple[list[Rule], list[Finding], list[Recurrence]]:
        """All rules of the clause. Raises `_UnreadError`."""
        rules: list[Rule] = []
        findings: list[Finding] = []
        on = self.before
        if not self.parts:
            raise _UnreadError
        months = self._months()
        if self._kind() in ("time", "number", "always") and (days_at := self._days_after_times()) is not None:
            self.parts = self.parts[days_at:] + self.parts[:days_at]
        while self.at < len(self.parts):
            if self._kind() not in ("time", "number", "always"):
                on = self._days(months)
                self._skip("comma")
            if not on:
                raise _UnreadError
            if is_asked and self.at == len(self.parts):
                times = [Times(0, DAY)]
            else:
                times, odd = self.all_times()
                findings += odd
            rules += [Rule(one, each, is_asked, notes=notes) for one in on for each in times]
            self._skip("comma", "and")
        return rules, findings, on

    def _kind(self, ahead: int = 0) -> str:
        at = self.at + ahead
        return self.parts[at].kind if at < len(self.parts) else ""

    def _skip(self, *kinds: str) -> None:
        while self._kind() in kinds:
            self.at += 1

    def only_days(self) -> list[Recurrence]:
        """All of the clause as days. Raises `_UnreadError`."""
        found = self._days(self._months())
        if self.at < len(self.parts):
            raise _UnreadError
        return found

    def _days_after_times(self) -> int | None:
        """Where days begin, in '9 am to noon on Tuesdays'; nothing when times stand behind the days too."""
        starts = [n for n, token in enumerate(self.parts) if token.kind in ("day", "days", "ordinal", "every")]
        if not starts or any(token.kind in ("time", "always") for token in self.parts[starts[0] :]):
            return None
        return starts[0]

    def _months(self) -> tuple[int, ...]:
        """'June through August', 'May and July', at an end of the clause or between commas; taken out of it."""
        at = next((n for n, token in enumerate(self.parts) if token.kind == "month"), -1)
        if at < 0:
            return ()
        end, months = at, set[int]()
        while end < len(self.parts) and self.parts[end].kind == "month":
            first = last = self.parts[end].value
            end += 1
            if [part.kind for part in self.parts[end : end + 2]] == ["to", "month"]:
                last = self.parts[end + 1].value
                end += 2
            months |= {(first - 1 + n) % 12 + 1 for n in range((last - first) % 12 + 1)}
            step = next((n for n, part in enumerate(self.parts[end : end + 3]) if part.kind not in ("comma", "and")), 0)
            if step and self.parts[end + step].kind == "month":
                end += step
        is_apart = self.parts[at - 1].kind == "comma" and (end == len(self.parts) or self.parts[end].kind == "comma")
        if at and end < len(self.parts) and not is_apart:
            raise _UnreadError
        if at and self.parts[at - 1].kind == "comma":
            at -= 1
        del self.parts[at:end]
        if self.parts and self.parts[0].kind == "comma":
            del self.parts[0]
        if not self.parts or any(part.kind == "month" for part in self.parts):
            raise _UnreadError
        return tuple(sorted(months))

    def _days(self, months: tuple[int, ...]) -> list[Recurrence]:
        """The days up to the next time: weekdays of every week, and nth ones of a month."""
        every: list[Day] = []
        some: list[Day] = []
        is_every = False
        while self._kind() in ("day", "days", "ordinal", "every"):
            token = self.parts[self.at]
            if token.kind == "every":
                if token.value == 2:
                    raise _UnreadError("no_anchor")
                is_every = True
                self.at += 1
                continue
            if token.kind == "ordinal":
                some += self._nth(is_every)
            elif token.kind == "days":
                every += [Day(number) for number in token.days]
                self.at += 1
            else:
                every += self._weekdays()
            is_every = False
            if self._kind() in ("comma", "and"):
                step = 2 if self._kind() == "comma" and self._kind(1) == "and" else 1
                if self._kind(step) not in ("day", "days", "ordinal", "every"):
                    break
                self.at += step
        if not every and not some:
            raise _UnreadError
        made = [Recurrence(tuple(dict.fromkeys(every)), months=months)] if every else []
        if some:
            if every:
                # 'First and third Tuesday and Friday': which Fridays?
                raise _UnreadError
            made.append(Recurrence(tuple(dict.fromkeys(some)), "MONTHLY", months=months))
        return made

    def _nth(self, is_every: bool) -> list[Day]:
        """'1st and 3rd Saturday' and 'first Monday'. 'Every second Saturday' may be every other week and is not read."""
        counts = [self.parts[self.at].value]
        self.at += 1
        while self._kind() in ("and", "comma", "ordinal"):
            if self._kind() != "ordinal":
                step = 2 if self._kind(1) == "and" else 1
                if self._kind(step) != "ordinal":
                    break
                self.at += step
            counts.append(self.parts[self.at].value)
            self.at += 1
        if is_every and counts == [2]:
            raise _UnreadError("no_anchor")
        found = []
        if self._kind() != "day":
            raise _UnreadError
        while self._kind() == "day":
            found.append(self.parts[self.at].value)
            self.at += 1
            if self._kind() == "ordinal" or len(found) > 1:
                raise _UnreadError
        return [Day(weekday, count) for weekday in found for count in counts]

    def _weekdays(self) -> list[Day]:
        first = self.parts[self.at].value
        self.at += 1
        if self._kind() == "to" and self._kind(1) == "day":
            last = self.parts[self.at + 1].value
            self.at += 2
            return [Day((first + n) % 7) for n in range((last - first) % 7 + 1)]
        return [Day(first)]

    def all_times(self) -> tuple[list[Times], list[Finding]]:
        """Pairs of times, or all day. Raises `_UnreadError`."""
        found: list[Times] = []
        findings: list[Finding] = []
        if self._kind() == "always":
            self.at += 1
            return [Times(0, DAY)], []
        while self._kind() in ("time", "number"):
            times, odd = self._times()
            found.append(times)
            findings += odd
            step = 2 if self._kind() == "comma" and self._kind(1) == "and" else 1
            if self._kind() not in ("and", "comma") or self._kind(step) not in ("time", "number"):
                break
            self.at += step
        if not found:
            raise _UnreadError
        return found, findings

    def _times(self) -> tuple[Times, tuple[Finding, ...]]:
        first = self.parts[self.at]
        is_pair = self._kind(1) in ("to", "and") and self._kind(2) in ("time", "number")
        if not is_pair or (
            self._kind(1) == "and" and self._kind(3) in ("to", "and") and self._kind(4) in ("time", "number")
        ):
            raise _UnreadError("no_closing_time" if first.kind == "time" else "unreadable")
        second = self.parts[self.at + 2]
        self.at += 3
        opens, closes = _minutes(first, second)
        about = f"{first.text} - {second.text}"
        times, odd = times_of(opens, closes, about)
        if times is None:
            raise _UnreadError(odd[0].code)
        return times, odd


def _minutes(first: Token, second: Token) -> tuple[int, int]:
    """Two times of one opening. '4 to 5:30 pm' is in the afternoon, '10 to 2 pm' begins in the morning; '9 to 5' says nothing."""
    if second.half and not first.half:
        hour = first.value // 60 if first.kind == "time" else first.value
        if not 1 <= hour <= 12:
            raise _UnreadError("no_such_time")
        rest = first.value % 60 if first.kind == "time" else 0
        morning = hour % 12 * 60 + rest
        same = morning + (720 if second.half == "pm" else 0)
        # Noon and midnight are said in words, and stand for themselves.
        ends = second.value or DAY
        return (same if same < ends else morning), second.value
    if first.half and second.half:
        return first.value, second.value
    is_bare = not first.half and not second.half and first.kind == second.kind == "time"
    # On a clock of 24 hours one of the two shows it.
    if is_bare and (max(first.value, second.value) >= 13 * 60 or first.text.startswith("0")):
        return first.value, second.value
    raise _UnreadError("no_am_pm")
