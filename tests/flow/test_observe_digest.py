"""The weekly digest, from runs to the letter that arrives, and on the weekday it is due."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from civicops.observe.asking import attempts
from civicops.observe.delivery import deliver_weekly
from civicops.observe.tables import Database, open_database
from simulators.mailbox import Mailbox, WebhookSink
from tests.flow.conftest import Library, make_library
from tests.flow.test_cli import answer, type_in
from tests.flow.test_observe import CANARY, busy_days, now, stop_the_run, watched_by_day

pytestmark = pytest.mark.xdist_group("digest")
REPORT = "report: [{title: Days on loan, dataset: loan_list, day: changed_on, value: days_count}]\n"
ZONE = ZoneInfo("America/Los_Angeles")
PNG = b"\x89PNG\r\n"


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Three months of loans, one day lost, one run failed."""
    library = make_library(tmp_path_factory.mktemp("digest"))
    watched_by_day(library)
    product = library.product / "product.yaml"
    product.write_text(product.read_text() + REPORT)
    library.deliver(busy_days(90, lost=2))
    library.run()
    stop_the_run(library)
    return library


@pytest.fixture
def library(watched: Library) -> Library:
    """The same with no routes yet; what was sent before stays in the log."""
    (watched.root / "civicops.toml").write_text('[workspace]\ntimezone = "America/Los_Angeles"\n')
    return watched


def routed(library: Library, monkeypatch: pytest.MonkeyPatch, name: str, url: str, more: str = "") -> Database:
    monkeypatch.setenv(f"WEEKLY_{name.upper()}", url)
    with (library.root / "civicops.toml").open("a") as stream:
        stream.write(f'\n[alerts.routes.{name}]\nurls = ["WEEKLY_{name.upper()}"]\nallow = ["127.0.0.1"]\n{more}\n')
    product = library.product / "product.yaml"
    text = "".join(line for line in product.read_text().splitlines(True) if not line.startswith("alerts:"))
    product.write_text(text + f"alerts: [{name}]\n")
    return open_database(library.workspace)


def mail(box: Mailbox) -> str:
    return f"mailto://grace:{CANARY}@127.0.0.1:{box.port}?from=civicops@example.org&to=grace@example.org&mode=insecure"


def monday(hour: int, minute: int = 0) -> datetime:
    """A time of the next Monday in Los Angeles, in UTC."""
    day = now().date() + timedelta(days=7 - now().weekday())
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE).astimezone(UTC)


def test_a_letter_says_how_every_product_is_with_pictures_in_it_and_a_plain_text_beside(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Mailbox() as box:
        routed(library, monkeypatch, "letters", mail(box).replace(f"grace:{CANARY}@", ""))
        done = answer(library.root, "alerts", "digest", "letters")
        assert done == {"sent": ["letters"]}
        (letter,) = box.mails
    assert letter.subject == "Weekly digest of civicops: 1 of 1 products not in order"
    for words in ("Broken", "1 ended well, 1 failed", "2 opened, 0 resolved, 2 open now", "as promised",
                  "loan_list: no rows at all on", "Loans: the last run failed", "1 odd day in thirty"):  # fmt: skip
        assert words in letter.html and words in letter.text
    assert sorted(letter.pictures) == ["library-0.png", "library.loan_list.png"]
    for name, content in letter.pictures.items():
        assert content.startswith(PNG) and len(content) > 5_000
        assert f'src="cid:{name}"' in letter.html
    since = str(now().astimezone(ZONE).date() - timedelta(days=7))
    week = sum(3 for row in busy_days(90, lost=2) if str(row[3]) > since)
    assert f"{week:,} in seven days" in letter.text


def test_it_goes_out_once_a_week_when_it_is_due_and_is_tried_again_for_a_day(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    with WebhookSink() as sink:
        database = routed(library, monkeypatch, "hook", f"json://127.0.0.1:{sink.port}/{CANARY}")
        sink.status = 500
        for moment in (monday(7), monday(8, 1), monday(8, 2)):
            deliver_weekly(library.workspace, database, moment)
        mine = [one for one in attempts(database) if one.route == "hook"]
        assert [(one.kind, one.is_delivered) for one in mine] == [("weekly", False)], (
            "not before eight, not at once again"
        )
        assert CANARY not in mine[0].error
        sink.status = 200
        for hours in (9, 10, 20):
            deliver_weekly(library.workspace, database, monday(hours))
        deliver_weekly(library.workspace, database, monday(8) + timedelta(days=3))
        assert len(sink.messages) == 1
        assert sink.messages[0]["title"].startswith("Weekly digest")
        assert "Incidents: " in sink.messages[0]["message"] and "<" not in sink.messages[0]["message"]
        deliver_weekly(library.workspace, database, monday(9) + timedelta(days=7))
        assert len(sink.messages) == 2


def test_who_does_not_want_it_gets_none(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    with WebhookSink() as sink:
        database = routed(library, monkeypatch, "quiet", f"json://127.0.0.1:{sink.port}/", "weekly = false")
        deliver_weekly(library.workspace, database, monday(9))
        with (library.root / "civicops.toml").open("a") as stream:
            stream.write('\n[alerts]\nweekly_schedule = ""\n')
        deliver_weekly(library.workspace, database, monday(9))
        assert sink.messages == []


def test_no_secret_is_in_a_digest_its_log_or_its_errors(
    library: Library, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with Mailbox() as box:
        routed(library, monkeypatch, "letters", mail(box))  # the server takes no password, so it fails
        failed = type_in(library.root, "alerts", "digest", "letters", WEEKLY_LETTERS=mail(box))
        assert failed.returncode == 1 and "WEEKLY_LETTERS" in failed.stderr
        page = tmp_path / "digest.html"
        told = answer(library.root, "alerts", "digest", "letters", "--preview", str(page))
        assert told["images"] == ["library.loan_list.png", "library-0.png"]
        html = page.read_text()
        assert html.count('src="data:image/png;base64,') == 2 and "cid:" not in html
        logged = json.dumps(answer(library.root, "alerts", "log"))
        kept = "".join(p.read_text(errors="replace") for p in (library.root / "var").rglob("*") if p.is_file())
        assert CANARY not in failed.stdout + failed.stderr + html + json.dumps(told) + logged + kept
    assert "No product is on this route" in refused(library, "nobody")


def refused(library: Library, name: str) -> str:
    with (library.root / "civicops.toml").open("a") as stream:
        stream.write(f'\n[alerts.routes.{name}]\nurls = ["NOTHING"]\n')
    done = type_in(library.root, "alerts", "digest", name, "--preview", "x.html")
    assert done.returncode == 1
    return done.stderr


def test_a_number_for_the_digest_that_is_not_there_is_an_error_with_the_nearest_word(tmp_path: Path) -> None:
    library = make_library(tmp_path)
    product = library.product / "product.yaml"
    product.write_text(product.read_text() + REPORT.replace("days_count", "day_count"))
    with pytest.raises(Exception, match="days_count"):
        library.workspace.product("library")
