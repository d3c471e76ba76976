"""Cleaning, value by value, and what holds for every text."""

from __future__ import annotations

import html
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from products.food_listings.cleaning.across import distance_km, find_across
from products.food_listings.cleaning.contacts import canonical_url, clean_emails, clean_social, clean_url
from products.food_listings.cleaning.lists import Lookups
from products.food_listings.cleaning.notes import Notes
from products.food_listings.cleaning.phones import clean_phones
from products.food_listings.cleaning.places import clean_address, clean_point, clean_zip
from products.food_listings.cleaning.row import Cleaned, clean_row, closure_words, read_moment, yes_or_no
from products.food_listings.cleaning.text import clean_text, is_junk, title_case

BOX = (-118.9517, 33.6988, -117.6462, 34.8233)


def row(**values: str) -> dict[str, str | None]:
    base: dict[str, str | None] = {
        "source_code": "plain",
        "source_id": "1",
        "name": "Marisol Pantry",
        "address_1": "12 Alder Street",
        "city": "Los Angeles",
        "state_province": "CA",
        "postal_code": "90012",
        "latitude": "34.05",
        "longitude": "-118.24",
        "categories": "1",
    }
    return base | values


@pytest.mark.parametrize(
    ("raw", "number", "extension", "others"),
    [
        ("213-485-0100", "(213) 485-0100", None, []),
        ("(213)485-0100", "(213) 485-0100", None, []),
        ("+1 213.485.0100", "(213) 485-0100", None, []),
        ("2134850100", "(213) 485-0100", None, []),
        ("213-485-0100 ext 12", "(213) 485-0100", "12", []),
        ("213-485-0100 x 218 323.780.8900", "(213) 485-0100", "218", ["(323) 780-8900"]),
        ("FAX (323) 468-8678, Intake (323) 469-2946", "(323) 469-2946", None, []),
        ("909-593-7070-323.816.6530", "(909) 593-7070", None, ["(323) 816-6530"]),
        ("213-485-0100; 213-485-0100", "(213) 485-0100", None, []),
    ],
)
def test_phones_in_one_form(raw: str, number: str, extension: str | None, others: list[str]) -> None:
    notes = Notes()
    assert clean_phones(raw, None, None, notes) == (number, extension, others)
    assert not notes.findings
    assert any(fix.field == "phone_number" and fix.old == raw and fix.new == number for fix in notes.fixes)


def test_a_fax_by_its_function_is_not_the_number_to_dial() -> None:
    assert clean_phones("3103947398;3104511358", None, "FAX;Service/Intake", Notes())[0] == "(310) 451-1358"


@pytest.mark.parametrize(
    ("raw", "check"),
    [("322-268-9191", "phone_invalid"), ("call the office", "phone_unreadable"), ("((32)) 7-3748", "phone_invalid")],
)
def test_what_cannot_be_a_number_is_taken_out_and_stays_in_the_finding(raw: str, check: str) -> None:
    notes = Notes()
    assert clean_phones(raw, None, None, notes)[0] is None
    assert check in {finding.check for finding in notes.findings}
    assert [(fix.old, fix.new, fix.rule) for fix in notes.fixes] == [(raw, "", "phone_invalid_removed")]


@given(st.text(max_size=60))
def test_no_text_breaks_a_cleaner_and_a_clean_value_stays(text: str) -> None:
    notes = Notes()
    number, extension, _ = clean_phones(text, None, None, notes)
    if number:
        assert clean_phones(number, extension, None, Notes())[0] == number
    url = clean_url(text, Notes())
    if url:
        assert canonical_url(url) == (url, False)
    for address in clean_emails(text, Notes()):
        assert clean_emails(address, Notes()) == [address]
    done = clean_text("notes", text, Notes(), lines=True)
    if done:
        assert clean_text("notes", done, Notes(), lines=True) in (done, None, html.unescape(done).strip())
    clean_zip(text, Notes())
    yes_or_no(text)
    read_moment(text)


@pytest.mark.parametrize(
    ("raw", "url"),
    [
        ("www.example.org", "http://www.example.org"),
        ("HTTPS://Example.ORG/Path", "https://example.org/Path"),
        ("http:/example.org", "http://example.org"),
        ("example.org:8080/x", "http://example.org:8080/x"),
    ],
)
def test_websites_in_one_form(raw: str, url: str) -> None:
    assert clean_url(raw, Notes()) == url


@pytest.mark.parametrize(
    "raw",
    [
        "no website",
        "javascript:alert(1)",
        "ftp://example.org",
        "http://user:secret@example.org",
        "http://",
        "http://localhost",
        "ask@example.org",
    ],
)
def test_what_can_be_no_website_is_taken_out(raw: str) -> None:
    notes = Notes()
    assert clean_url(raw, notes) is None
    assert [finding.check for finding in notes.findings] == ["url_invalid"]


def test_pages_of_networks() -> None:
    assert clean_social("facebook_url", "@marisolpantry", Notes()) == "https://www.facebook.com/marisolpantry"
    assert clean_social("facebook_url", "www.facebook.com/marisol", Notes()) == "http://www.facebook.com/marisol"
    assert clean_social("facebook_url", "N/A", Notes()) is None
    notes = Notes()
    assert clean_social("facebook_url", "https://example.org/facebook.com", notes) is None
    assert notes.findings[0].check == "url_invalid"


def test_emails() -> None:
    assert clean_emails("Info@Example.ORG; second@example.org", Notes()) == ["info@example.org", "second@example.org"]
    notes = Notes()
    assert clean_emails("info@example", notes) == [] and notes.findings[0].check == "email_invalid"


@pytest.mark.parametrize(
    ("given_street", "unit", "street", "new_unit"),
    [
        ("8724 S. Central Avenue", None, "8724 S Central Ave", None),
        ("2121 Beverly Boulevard, Suite 12", None, "2121 Beverly Blvd", "Suite 12"),
        ("2nd St. and N. Marina Dr.", None, "2nd St. and N. Marina Dr.", None),
        ("3947 W. 104th Street", "Unit 4", "3947 W 104th St", "Unit 4"),
    ],
)
def test_addresses_in_one_form(
    lookups: Lookups, given_street: str, unit: str | None, street: str, new_unit: str | None
) -> None:
    found = clean_address(
        given_street,
        unit,
        "Los Angeles",
        "California",
        "90002-1234",
        None,
        lookups.street_words,
        lookups.states,
        "CA",
        Notes(),
    )
    words = found.street.replace(".", "") if "and" in street and found.street else found.street
    assert (words, found.unit, found.state, found.zip) == (
        street.replace(".", "") if "and" in street else street,
        new_unit,
        "CA",
        "90002",
    )


def test_an_address_in_one_line_is_split(lookups: Lookups) -> None:
    found = clean_address(
        None,
        None,
        None,
        None,
        None,
        "204 Hampton Drive, Venice, CA 90291",
        lookups.street_words,
        lookups.states,
        "CA",
        Notes(),
    )
    assert (found.street, found.city, found.state, found.zip) == ("204 Hampton Dr", "Venice", "CA", "90291")


@given(st.floats(33.7, 34.8), st.floats(-118.9, -117.7))
def test_a_point_that_changed_places_is_put_right_and_no_other(lat: float, lon: float) -> None:
    for given_lat, given_lon in ((lat, lon), (lon, lat)):
        notes = Notes()
        assert clean_point(repr(given_lat), repr(given_lon), BOX, notes) == (lat, lon)
        assert [fix.rule for fix in notes.fixes] == ([] if given_lat == lat else ["coordinates_swapped"])


@pytest.mark.parametrize(
    "point", [("0", "0"), ("0.0", "-0.0"), ("", ""), ("x", "-118"), ("nan", "nan"), ("1e400", "1"), ("95", "400")]
)
def test_no_point_is_better_than_a_wrong_one(point: tuple[str, str]) -> None:
    assert clean_point(*point, BOX, Notes()) == (None, None)


def test_points_of_other_places_stay_where_they_are() -> None:
    assert clean_point("37.33", "-121.89", BOX, Notes()) == (
        37.33,
        -121.89,
    )  # a finding elsewhere says that it is not served
    assert clean_point("21.30", "-157.85", (-160.25, 18.91, -154.58, 22.30), Notes()) == (21.30, -157.85)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The pantry is permanently closed.", "permanently closed"),
        ("We no longer offer food.", "no longer offer"),
        ("Closed on Sundays and holidays.", None),
        ("Closed 7/4", None),
        ("It was shut down but has reopened in May.", None),
        ("Open Monday", None),
    ],
)
def test_words_of_closing(text: str, words: str | None) -> None:
    found = closure_words(text)
    assert (found or "").lower().startswith(words) if words else found is None


def test_hostile_text_becomes_plain_text_with_both_on_record() -> None:
    notes = Notes()
    raw = "Ask <b>Ana</b><script>alert('x')</script> &lt;img src=x onerror=alert(1)&gt; at\u202e noon"
    done = clean_text("notes", raw, notes)
    assert done is not None and "<" not in done and "script" not in done and "\u202e" not in done and "Ask Ana" in done
    assert notes.fixes[0].old == raw and notes.fixes[0].rule == "html_removed"


def test_placeholders_and_junk() -> None:
    notes = Notes()
    assert clean_text("services", "N/A", notes) is None
    assert notes.fixes[0].rule == "placeholder_removed"
    assert is_junk("asklfj;aslkdf") and not is_junk("Bring your own bag") and not is_junk("")
    assert title_case("ST. ROBERT'S CENTER OF THE LDS", frozenset({"LDS"})) == "St. Robert's Center of the LDS"


def test_a_row_is_cleaned_with_every_change_on_record(lookups: Lookups) -> None:
    raw = row(
        name="THE MARISOL FOOD PANTRY",
        phones="213 485 0100",
        url="example.org",
        state_province="",
        source_inactive="t",
        confirmed_email="t",
        source_id="7",
    )
    done = clean_row(raw, lookups)
    assert (
        done.listing_id == "plain:7"
        and done.values["name"] == "The Marisol Food Pantry"
        and done.values["status_code"] == "closed"
    )
    by_field = {fix.field: (fix.old, fix.new) for fix in done.notes.fixes}
    assert by_field["name"] == ("THE MARISOL FOOD PANTRY", "The Marisol Food Pantry")
    assert by_field["phone_number"] == ("213 485 0100", "(213) 485-0100")
    assert by_field["state_province"] == ("", "CA")
    assert "confirmed_but_empty" in {finding.check for finding in done.notes.findings}
    assert clean_row(raw, lookups) == done


def cleaned(lookups: Lookups, number: int, **values: Any) -> Cleaned:
    return clean_row(row(source_id=str(number), **values), lookups)


def test_rows_together_say_what_a_zip_code_is(lookups: Lookups) -> None:
    rows = [
        cleaned(lookups, n, city="Winnetka", postal_code="91306", latitude=f"34.20{n}", longitude="-118.57")
        for n in range(7)
    ]
    rows.append(cleaned(lookups, 8, city="Winneka", postal_code="91306", latitude="34.21", longitude="-118.57"))
    rows.append(cleaned(lookups, 9, city="Winnetka", postal_code="91306", latitude="33.80", longitude="-118.20"))
    find_across(rows)
    assert [f.check for f in rows[7].notes.findings if f.check.startswith("postal")] == ["postal_code_city"]
    assert [f.check for f in rows[8].notes.findings if f.check.startswith("postal")] == ["postal_code_point"]
    assert not [f for item in rows[:7] for f in item.notes.findings if f.check.startswith("postal")]


def test_distance_against_a_known_one() -> None:
    # One degree of latitude on a sphere of mean radius: 111.195 km.
    assert distance_km(34.0, -118.0, 35.0, -118.0) == pytest.approx(111.195, abs=0.001)


def test_moments_as_sources_write_them() -> None:
    assert read_moment("2020-05-25 10:38:10.868545-07") == datetime(2020, 5, 25, 17, 38, 10, 868545, tzinfo=UTC)
    assert read_moment("1370112656000") == datetime(2013, 6, 1, 18, 50, 56, tzinfo=UTC)
    assert read_moment("soon") is None
