"""Hours read from texts and older formats, and written in words: what is certain is read, all else stays text.

Belongs here: texts. Does not belong here: rows of the dataset (`test_hours_rows.py`), real lists (`tests/data`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from products.food_listings.hours import (
    CODES,
    Day,
    Entry,
    ExceptionDays,
    HolidayRule,
    HoursError,
    Recurrence,
    Rule,
    Schedule,
    Times,
    findings,
    monthly,
    opening_hours,
    read_day_columns,
    read_entries,
    read_text,
    read_tuples,
    weekly,
    write,
)
from tests.unit.products.food_listings.hours_made import schedules
from tests.unit.products.food_listings.hours_telling import LA, TELLING

READ = {
    "Monday through Friday, 9:00am to 5:00pm.": (weekly("MO,TU,WE,TH,FR", 540, 1020),),
    "Mon-Fri 9-5pm": (weekly("MO,TU,WE,TH,FR", 540, 1020),),
    "Weekdays 8:30 a.m. - noon and 1-4:30 p.m.": (weekly("MO,TU,WE,TH,FR", 510, 720), weekly("MO,TU,WE,TH,FR", 780, 990)),
    "9am to noon on Tuesdays": (weekly("TU", 540, 720),),
    "Tues & Thurs 10 to 11:30am; Sat 4 to 5:30pm": (weekly("TU,TH", 600, 690), weekly("SA", 960, 1050)),
    "Tuesday and Thursday, 9:00am to 12:00pm; 1:00pm to 3:00pm": (weekly("TU,TH", 540, 720), weekly("TU,TH", 780, 900)),
    "First and third Saturday of the month, 10:30am to 11:30am": (monthly("1SA,3SA", 630, 690),),
    "2nd & 4th Wednesdays 1:30pm-2:30pm, last Friday 9am-10am": (monthly("2WE,4WE", 810, 870), monthly("-1FR", 540, 600)),
    "1st Tuesday and 3rd Friday of each month 9am-10am": (monthly("1TU,3FR", 540, 600),),
    "Daily 24 hours": (weekly("MO,TU,WE,TH,FR,SA,SU", 0, 1440),),
    "Friday and Saturday 10 pm to 2 am": (weekly("FR,SA", 1320, 1560),),
    "Sun 10 pm - midnight": (weekly("SU", 1320, 1440),),
    "Sat 14:00-16:30": (weekly("SA", 840, 990),),
    "lunes a viernes 9 am a 1 pm": (weekly("MO,TU,WE,TH,FR", 540, 780),),
    "Segundo y cuarto sábado del mes, 10 am–mediodía": (monthly("2SA,4SA", 600, 720),),
    "Food pantry hours are Saturday, 8:00am to 9:00am": (replace(weekly("SA", 480, 540), notes="food pantry hours"),),
    "Wednesday, 1pm to 3pm by appointment only": (replace(weekly("WE", 780, 900), is_by_appointment=True),),
    "June through August: Monday 11am-1pm": (Rule(Recurrence((Day(0),), months=(6, 7, 8)), Times(660, 780)),),
    "Tuesday through Friday, 9:00am to 5:00pm; closed 12:00pm to 1:00pm": (
        weekly("TU,WE,TH,FR", 540, 720), weekly("TU,WE,TH,FR", 780, 1020),
    ),
}  # fmt: skip
UNREAD = {
    "Monday 9 to 5": "no_am_pm",
    "Monday, 4:00-5:30": "no_am_pm",
    "Friday at 10:00am": "no_closing_time",
    "Every other Saturday, noon to 3pm": "no_anchor",
    "Every second Saturday, 2pm to 4pm": "no_anchor",
    "Tuesday, 10:30pm to 3:30pm": "close_before_open",
    "Monday 9am to 9am": "equal_times",
    "First and third Tuesday and Friday 9am-10am": "unreadable",
    "Hours vary": "unreadable",
    "Call for hours": "unreadable",
    "Monday 9am to 5pm. Closed during school holidays": "unreadable",
    "Monday 9am to 5pm. The agency does not distribute food in August": "unreadable",
    "Monday 9am to 5pm; Mondays closed": "unreadable",
    "Meals are delivered Monday through Friday, 11am to 1pm": "unreadable",
    "Monday 25:00 to 26:00": "unreadable",
}


@pytest.mark.parametrize("text", READ)
def test_read(text: str) -> None:
    reading = read_text(text, LA)
    assert reading.schedule.rules == READ[text]
    assert reading.schedule.text == "" and reading.schedule.is_complete


@pytest.mark.parametrize("text", UNREAD)
def test_what_is_not_certain_stays_text_with_a_finding(text: str) -> None:
    reading = read_text(text, LA)
    assert reading.schedule.rules == () and reading.schedule.text == text
    assert UNREAD[text] in [finding.code for finding in reading.findings]
    assert not reading.schedule.is_complete


def test_a_part_that_adds_is_kept_beside_what_was_read_and_a_remark_is_no_hour() -> None:
    reading = read_text("Monday 9am-noon; fourth Sunday, 2:00pm. Sylmar residents only. Bring a bag.", LA)
    assert reading.schedule.rules == (weekly("MO", 540, 720),)
    assert reading.schedule.text == "fourth Sunday, 2:00pm"
    assert reading.remarks == ("Sylmar residents only", "Bring a bag")


def test_times_after_an_unread_clause_do_not_go_to_the_days_before_it() -> None:
    reading = read_text("2nd Saturday, 9am-noon; emergency services, Tuesday, 10am-noon; and 1pm-3:30pm", LA)
    assert reading.schedule.rules == (monthly("2SA", 540, 720),)
    assert "1pm-3:30pm" in reading.schedule.text


def test_holidays_and_closed_days() -> None:
    reading = read_text("Monday through Saturday, 10am to 1:45pm.  Closed on Sunday and holidays.", LA)
    assert reading.schedule.holidays == (HolidayRule("public", "closed"),) and reading.schedule.text == ""
    assert read_text("Friday 9am-1pm, except holidays", LA).schedule.holidays == (HolidayRule("public", "closed"),)
    reading = read_text("Wednesdays and Fridays, 10:30am to 12:00pm; closed the first Friday of each month.", LA)
    assert reading.schedule.exceptions == (ExceptionDays(None, None, "closed", on=Recurrence((Day(4, 1),), "MONTHLY")),)
    assert read_text("By appointment only", LA).schedule == Schedule(LA, is_any_time_by_appointment=True)


def test_office_hours_are_marked() -> None:
    reading = read_text("Office hours are Monday through Friday, 9:00am to 5:00pm.", LA)
    assert reading.schedule.rules[0].notes == "office hours"
    assert [finding.code for finding in reading.findings] == ["other_hours"]


@given(st.text(max_size=80) | st.text("MondayTuesfri1230:-–,;. apmtoclosed&\n24hours ", max_size=60))
@example("of the month of the month")
@example("12 noon midnight 99:99 5th")
@example("﹣ 1ªm º")
@settings(max_examples=300, deadline=None)
def test_no_text_breaks_it_and_nothing_is_lost(text: str) -> None:
    reading = read_text(text, LA)
    assert all(finding.code in CODES for finding in reading.findings)
    if text.strip(" ,.;\n\t") and not reading.schedule.is_known and not reading.remarks:
        kept = reading.schedule.text or reading.schedule.holidays
        assert kept or not any(char.isalnum() for char in text) or "closed" in text.lower()


# Words, and back ---------------------------------------------------------------------------------------------------------


def is_simple(rule: Rule) -> bool:
    """Whether a rule can be said so that it can be read again."""
    on, times = rule.on, rule.times
    is_said = on.interval == 1 and not (on.starts_on or on.valid_from or on.valid_to or on.month_days)
    nths = {day.nth for day in on.days}
    is_plain = nths == {0} if on.freq == "WEEKLY" else 0 not in nths and nths <= {1, 2, 3, 4, 5, -1}
    is_timely = times.closes <= 1440 or (times.opens >= 17 * 60 and times.closes <= 30 * 60)
    return is_said and is_plain and is_timely


def canonical(rules: tuple[Rule, ...]) -> set[tuple[object, ...]]:
    return {
        (frozenset(rule.on.days), rule.on.freq, rule.on.months, rule.times, rule.is_by_appointment) for rule in rules
    }


@pytest.mark.parametrize("language", ["en", "es"])
@given(schedule=schedules())
@settings(max_examples=150, deadline=None)
def test_what_is_written_can_be_read_again(language: str, schedule: Schedule) -> None:
    rules = tuple(dict.fromkeys(rule for rule in schedule.rules if is_simple(rule)))
    given_ = Schedule(LA, rules)
    text = write(given_, "en" if language == "en" else "es")
    reading = read_text(text, LA)
    assert reading.schedule.text == "", text
    assert canonical(reading.schedule.rules) == canonical(rules), text


def test_in_words() -> None:
    said = {name: (write(schedule, "en"), write(schedule, "es")) for name, schedule in TELLING.items()}
    assert said["weekdays"] == ("Monday–Friday 9 am–5 pm", "Lunes–viernes 9 am–5 pm")
    assert said["twice a day"][0] == "Every Tuesday and Thursday 9 am–noon and 1 pm–3 pm"
    assert said["second and fourth Saturday"] == (
        "2nd and 4th Saturday of the month 10 am–noon", "Segundo y cuarto sábado del mes 10 am–mediodía",
    )  # fmt: skip
    assert said["every other Wednesday"] == (
        "Every other Wednesday (counted from December 31, 2025) 10 am–11 am",
        "Miércoles, cada dos semanas (desde el 31 de diciembre de 2025) 10 am–11 am",
    )
    assert said["over midnight"][0] == "Every Friday and Saturday 10 pm–2 am"
    assert said["around the clock"] == ("Every day 24 hours", "Todos los días 24 horas")
    assert said["holidays"][1] == (
        "Todos los días 10 am–mediodía; cerrado: días festivos; abierto: Thanksgiving Day 8 am–3 pm; "
        "abierto: Christmas Day como siempre"
    )
    assert said["exceptions"][0] == (
        "Monday–Friday 9 am–5 pm; closed on August 3, 2026 to August 28, 2026 (summer break); "
        "open on August 12, 2026 10 am–11 am noon–1 pm"
    )
    assert said["partly read"][0] == "Every Monday 9 am–noon; and some evenings"
    assert said["closed first Fridays"][0].endswith("closed on 1st Friday of the month")
    assert said["nothing known"] == ("", "")


def test_for_openstreetmap() -> None:
    said = {name: opening_hours(schedule) for name, schedule in TELLING.items()}
    assert said["weekdays"] == "Mo-Fr 09:00-17:00"
    assert said["twice a day"] == "Tu,Th 09:00-12:00,13:00-15:00"
    assert said["second and fourth Saturday"] == "Sa[2,4] 10:00-12:00"
    assert said["over midnight"] == "Fr,Sa 22:00-02:00"
    assert said["around the clock"] == "Mo-Su 00:00-24:00"
    assert said["exceptions"] == "Mo-Fr 09:00-17:00; 2026 Aug 03-2026 Aug 28 off; 2026 Aug 12 10:00-11:00,12:00-13:00"
    assert said["by appointment"] == 'Mo 09:00-12:00, Mo 11:00-15:00 "by appointment"'
    assert [name for name, value in said.items() if value is None] == [
        "every other Wednesday", "summer", "winter", "a while", "the 1st and the last day", "holidays",
        "any time by appointment", "partly read", "closed first Fridays", "nothing known",
    ]  # fmt: skip


# Older formats -----------------------------------------------------------------------------------------------------------


def test_rows_with_a_week_of_the_month() -> None:
    rows = [
        Entry(0, 2, "14:00:00", "19:00:00"),
        Entry(2, 5, "08:30:00", "09:00:00"),
        Entry(-1, 5, "08:30:00", "09:00:00"),
    ]
    assert read_entries(rows, LA).schedule.rules == (weekly("WE", 840, 1140), monthly("2SA,-1SA", 510, 540))
    every = [Entry(week, 5, "14:00:00", "16:00:00") for week in (1, 2, 3, 4, -1)]
    assert read_entries(every, LA).schedule.rules == (weekly("SA", 840, 960),), "four weeks and the last are every week"
    assert read_entries(every[:4], LA).schedule.rules == (monthly("1SA,2SA,3SA,4SA", 840, 960),), (
        "the fifth is not said"
    )


@pytest.mark.parametrize(
    ("opens", "closes", "code", "is_read"),
    [
        ("", "", "times_missing", False), ("09:00:00", "", "times_missing", False), ("00:00:00", "00:00:00", "equal_times", False),
        ("10:00:00", "01:30:00", "close_before_open", False), ("25:00:00", "26:00:00", "no_such_time", False),
        ("09:00:00", "nine", "no_such_time", False), ("22:00:00", "02:00:00", "over_midnight", True),
        ("00:00:00", "23:59:00", "end_of_day", True),
    ],
)  # fmt: skip
def test_odd_rows(opens: str, closes: str, code: str, is_read: bool) -> None:
    reading = read_entries([Entry(0, 0, opens, closes)], LA)
    assert [finding.code for finding in reading.findings] == [code]
    assert bool(reading.schedule.rules) == is_read and bool(reading.schedule.text) != is_read


def test_rows_that_stand_twice_and_days_that_are_none() -> None:
    reading = read_entries(
        [Entry(0, 0, "09:00", "10:00")] * 2 + [Entry(7, 0, "09:00", "10:00"), Entry(0, 9, "1", "2")], LA
    )
    assert [finding.code for finding in reading.findings] == ["duplicate", "no_such_day", "no_such_day"]
    assert reading.schedule.rules == (weekly("MO", 540, 600),)


def test_columns_per_day() -> None:
    row = {"daycode1": "MON", "day1_open": "600", "day1_close": "2200", "daycode2": "Tues", "day2_open": "", "day2_close": "",
           "daycode3": "Sat2nd", "day3_open": "930", "day3_close": "1100", "daycode4": "SatLast", "day4_open": "930",
           "day4_close": "1100", "daycode5": "Someday", "day5_open": "900", "day5_close": "1000"}  # fmt: skip
    reading = read_day_columns(row, LA)
    assert reading.schedule.rules == (weekly("MO", 360, 1320), monthly("2SA,-1SA", 570, 660))
    assert reading.schedule.text == "Someday 900-1000" and [one.code for one in reading.findings] == ["no_such_day"]


def test_tuples_in_a_cell() -> None:
    assert read_tuples("(0, 1, 14:00:00, 16:00:00),(2, 7, '12:00', '13:30:00')", LA).schedule.rules == (
        weekly("SU", 840, 960), monthly("2SA", 720, 810),
    )  # fmt: skip
    assert read_tuples("(Mon,10:00,15:00),(Tue,10:00,15:00)", LA, week=3).schedule.rules == (
        monthly("3MO,3TU", 600, 900),
    )
    for text in ("(1,2,3)", "(1, 2, 9:00, 10:00) and more", "Monday 9-5", "(1, 9, 9:00, 10:00)"):
        reading = read_tuples(text, LA)
        assert reading.schedule.text == text and reading.findings[0].code == "unreadable"
    assert read_tuples("[]", LA).schedule == Schedule(LA)


# Plausible ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "codes"),
    [
        ((weekly("MO", 540, 1020),), []),
        ((weekly("MO", 300, 300 + 17 * 60),), ["too_long"]),
        ((weekly("MO", 0, 1440),), []),
        ((weekly("MO", 180, 300),), ["opens_at_night"]),
        ((weekly("MO", 1200, 1440), weekly("TU", 0, 120)), []),
        ((weekly("FR", 1320, 1560),), ["over_midnight"]),
        ((weekly("MO,TU", 540, 720), weekly("TU", 540, 720)), ["duplicate"]),
        ((weekly("MO", 540, 720), weekly("MO", 660, 780)), ["overlap"]),
        ((weekly("MO", 540, 720), weekly("MO", 720, 780)), []),
        ((weekly("MO", 540, 720), monthly("2MO", 600, 780)), ["overlap"]),
        ((monthly("4MO", 540, 720), monthly("-1MO", 600, 780)), ["overlap"]),
        ((monthly("1MO", 540, 720), monthly("-1MO", 600, 780)), []),
        ((Rule(Recurrence((Day(0),), months=(1,)), Times(540, 600)), Rule(Recurrence((Day(0),), months=(2,)), Times(540, 600))), []),
        ((Rule(Recurrence((), "MONTHLY", month_days=(31,), months=(2,)), Times(540, 600)),), ["never"]),
        ((Rule(Recurrence((Day(0),), valid_to=date(2020, 1, 1)), Times(540, 600)),), ["ended"]),
    ],
)  # fmt: skip
def test_findings(rules: tuple[Rule, ...], codes: list[str]) -> None:
    assert [finding.code for finding in findings(Schedule(LA, rules), date(2026, 1, 1))] == codes


def test_every_code_has_a_level_and_a_sentence() -> None:
    assert all(meaning.endswith(".") and level in ("error", "warning", "note") for level, meaning in CODES.values())


def test_hours_that_cannot_be_are_refused_with_a_hint() -> None:
    for make in (
        lambda: Times(600, 600), lambda: Times(600, 600 + 1441), lambda: Times(1440, 1500), lambda: Day(7), lambda: Recurrence(()),
        lambda: Recurrence((Day(0, 1),)), lambda: Recurrence((Day(0),), interval=2), lambda: Recurrence((Day(0),), months=(13,)),
        lambda: Recurrence((Day(0),), valid_from=date(2026, 2, 1), valid_to=date(2026, 1, 1)), lambda: Schedule("Mars/Olympus"),
        lambda: Schedule(LA, holidays=(HolidayRule("public", "open"), HolidayRule("public", "closed"))),
        lambda: ExceptionDays(None, None, "closed"), lambda: HolidayRule("public", "closed", (Times(1, 2),)),
    ):  # fmt: skip
        with pytest.raises(HoursError) as raised:
            make()
        assert raised.value.hint
