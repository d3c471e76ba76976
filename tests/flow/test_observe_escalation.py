"""Alerts over days, with real mail and webhook sinks: how soon they repeat, to whom they go on, what a digest holds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from civicops.errors import CivicopsError
from civicops.observe.asking import attempts
from civicops.observe.incidents import acknowledge, resolve
from civicops.observe.tables import open_database
from civicops.observe.watch import tick
from simulators.mailbox import Mailbox, WebhookSink
from tests.flow.conftest import Library
from tests.flow.test_observe import GOOD, now, open_ones, stop_the_run

MAIL = "mailto://127.0.0.1:{port}?from=civicops@example.org&to={to}@example.org&mode=insecure"


def routes(library: Library, monkeypatch: pytest.MonkeyPatch, box: Mailbox, **routes: str) -> None:
    """One mail route per name, its letters going to NAME@example.org; `routes` says the rest of each."""
    with (library.root / "civicops.toml").open("a") as stream:
        for name, more in routes.items():
            monkeypatch.setenv(f"MAIL_{name.upper()}", MAIL.format(port=box.port, to=name))
            stream.write(f'\n[alerts.routes.{name}]\nurls = ["MAIL_{name.upper()}"]\nallow = ["127.0.0.1"]\n{more}\n')


def told(box: Mailbox) -> list[str]:
    """Who got what, in order: `name: first word of the subject`."""
    return [
        f"{mail.to[0].partition('@')[0]}: {mail.subject.partition(' [')[0].partition(':')[0]}" for mail in box.mails
    ]


def after(library: Library, hours: float) -> None:
    tick(library.workspace, now() + timedelta(hours=hours))


def test_what_nobody_acknowledges_goes_on_to_the_next_and_the_next(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Mailbox() as box:
        routes(
            library, monkeypatch, box,
            default='escalate_hours = 2\nescalate_to = "backup"\nrepeat_hours = 0',
            backup='escalate_hours = 3\nescalate_to = "board"\nrepeat_hours = 0\nseverity = "critical"',
            board="repeat_hours = 0\ndigest_hours = 48",
        )  # fmt: skip
        library.deliver(GOOD)
        library.run()
        stop_the_run(library)
        after(library, 1.9)
        assert told(box) == ["default: New"]
        after(library, 2.1)
        after(library, 2.2)
        assert told(box) == ["default: New", "backup: Nobody acts"]
        assert "Why you: those who were told first have not acknowledged it." in box.mails[1].text
        after(library, 4.9)
        assert len(box.mails) == 2
        after(library, 5.2)
        assert told(box)[2:] == ["board: Nobody acts"]
        (found,) = open_ones(library)
        acknowledge(open_database(library.workspace), found.id, "grace", "looking", now() + timedelta(hours=5.3))
        after(library, 5.9)  # six hours on, a run may be missed
        library.deliver(GOOD)
        library.run(full=True)
        tick(library.workspace)
        # Everybody who was told hears that it is over; the board, which reads digests, in its digest.
        assert sorted(told(box)[3:]) == ["backup: Over", "board: Digest", "default: Over"]


def test_who_acknowledges_in_time_keeps_it_and_critical_ones_go_on_four_times_as_soon(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Mailbox() as box:
        routes(
            library, monkeypatch, box,
            default='escalate_hours = 4\nescalate_to = "backup"\nrepeat_hours = 8', backup="repeat_hours = 0",
        )  # fmt: skip
        library.deliver(GOOD)
        library.run()
        stop_the_run(library)
        (found,) = open_ones(library)
        acknowledge(open_database(library.workspace), found.id, "grace", "looking", now())
        after(library, 5)
        assert told(box) == ["default: New"]
        resolve(open_database(library.workspace), found.id, "grace", "mended", now())
        library.deliver(GOOD)
        library.run(full=True)
        box.mails.clear()
        # Days without a run: critical. Told at once, escalated after one hour, repeated after two.
        for hours in (48, 48.9, 49.1, 49.9, 50.1):
            after(library, hours)
        assert told(box) == ["default: New", "backup: Nobody acts", "default: Still"]


def test_a_route_that_is_broken_does_not_keep_an_incident_to_itself(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Mailbox() as box, WebhookSink() as sink:
        sink.status = 500
        routes(library, monkeypatch, box, default='escalate_hours = 1\nescalate_to = "backup"', backup="")
        monkeypatch.setenv("MAIL_DEFAULT", f"json://127.0.0.1:{sink.port}/")
        library.deliver(GOOD)
        library.run()
        stop_the_run(library)
        after(library, 0.9)
        assert box.mails == []
        after(library, 1.1)
        assert told(box) == ["backup: Nobody acts"]


def test_a_digest_that_fails_is_tried_again_ever_more_rarely(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    with WebhookSink() as sink, Mailbox() as box:
        routes(library, monkeypatch, box, default="digest_hours = 24\nrepeat_hours = 0")
        monkeypatch.setenv("MAIL_DEFAULT", f"json://127.0.0.1:{sink.port}/")
        sink.status = 500
        library.deliver(GOOD)
        library.run()
        stop_the_run(library)
        for minutes in range(0, 60, 2):
            after(library, minutes / 60)
        assert [one.kind for one in attempts(open_database(library.workspace))] == ["digest"] * 4  # 0, 5, 15, 35
        sink.status = 200
        after(library, 2)
        after(library, 3)
        assert [message["title"] for message in sink.messages] == ["Digest: 1 open incident, 0 over"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('escalate_hours = 2\nescalate_to = "bakup"', "no route 'bakup'"),
        ("escalate_hours = 2", "belong together"),
        ('escalate_hours = 2\nescalate_to = "default"', "comes back to 'default'"),
    ],
)
def test_an_escalation_that_leads_nowhere_is_refused(library: Library, more: str, words: str) -> None:
    with (library.root / "civicops.toml").open("a") as stream:
        stream.write(f'\n[alerts.routes.default]\nurls = ["X"]\n{more}\n')
    with pytest.raises(CivicopsError, match=words):
        _ = library.workspace
