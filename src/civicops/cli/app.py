"""The `civicops` program: its commands put together, and what a failure looks like.

Belongs here: the list of commands and the one place where errors become words and an exit code. Does not belong here: the
commands themselves.
"""

from __future__ import annotations

import gc
import os
import sys

import typer

from civicops.cli import (
    auditing,
    cataloguing,
    changing,
    continuing,
    erasing,
    ethics,
    exchanging,
    importing,
    making,
    observing,
    operating,
    personal,
    portal,
    quarantining,
    releasing,
    retaining,
    reviewing,
    running,
    snapshots,
    stewarding,
    tracing,
)
from civicops.cli.output import fail
from civicops.errors import CivicopsError

app = typer.Typer(
    name="civicops",
    help="DataOps for a civic-tech group: fetch, check, quarantine, publish. Start with `civicops products`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("products")(running.products)
app.command("run")(running.run)
app.command("status")(running.status)
app.command("history")(observing.history)
app.command("diagnose")(running.diagnose)
app.command("up")(running.up)
app.command("lineage")(tracing.lineage)
app.command("trace")(tracing.trace)
app.command("plan")(changing.plan)
app.command("apply")(changing.apply)
app.command("rollback")(changing.rollback)
app.command("ci")(continuing.ci)
app.command("owners")(continuing.owners)
app.command("people")(stewarding.people)
app.command("handover")(stewarding.handover)
app.add_typer(changing.preview, name="preview")
app.add_typer(operating.app, name="operation")
app.add_typer(ethics.app, name="ethics")
app.add_typer(making.app, name="new")
app.add_typer(importing.app, name="import")
app.add_typer(quarantining.app, name="quarantine")
releasing.app.command("prov")(tracing.prov)
app.add_typer(releasing.app, name="release")
app.add_typer(reviewing.app, name="review")
app.add_typer(observing.observe, name="observe")
app.add_typer(observing.incidents, name="incidents")
app.add_typer(observing.maintenance, name="maintenance")
app.add_typer(observing.alerts, name="alerts")
app.add_typer(snapshots.app, name="snapshots")
app.add_typer(auditing.app, name="audit")
app.add_typer(erasing.app, name="erase")
app.add_typer(retaining.app, name="retention")
app.add_typer(stewarding.scorecard, name="scorecard")
app.add_typer(personal.app, name="personal")
app.add_typer(exchanging.app, name="contract")
app.add_typer(portal.app, name="portal")
portal.export.command("catalogue")(cataloguing.catalogue)
app.add_typer(portal.export, name="export")


@app.callback()
def options(
    workspace: str = typer.Option(
        "", "--workspace", "-w", metavar="FOLDER", help="The workspace, if it is not this folder or one above it."
    ),
) -> None:
    """DataOps for a civic-tech group: fetch, check, quarantine, publish. Start with `civicops products`."""
    if workspace:
        os.environ["CIVICOPS_WORKSPACE"] = workspace


def main() -> None:
    """Run the program; exit with 0 when all went well, 1 or a failure's own code when not, 130 after Ctrl-C."""
    # Loading the parts and reading a year of history makes many objects that stay: looking through them for garbage after every
    # 700 new ones, Python's default, took a sixth of the time.
    gc.set_threshold(50_000, 20, 100)
    # Of every part that would send usage data somewhere; set before any of them is loaded.
    for name in ("DAGSTER_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        os.environ.setdefault(name, "1")
    try:
        _narrow(sys.argv[1:])
        app()
    except CivicopsError as error:
        sys.exit(fail(error.message, error.hint, error.exit_code))
    except KeyboardInterrupt:
        sys.exit(fail("Stopped.", "What was fetched so far is kept; run the command again to go on.", 130))
    except OSError as error:
        known = _disk(error)
        if known is None:
            raise
        sys.exit(fail(*known))
    except Exception as error:
        # DuckDB wraps the operating system's words in its own exception.
        if "No space left on device" in str(error):
            sys.exit(fail("The disk is full.", "Free some space and run again; the last releases are intact."))
        raise
    finally:
        # A run leaves some million objects of Dagster and dbt; looking through them for garbage on the way out takes a second.
        gc.freeze()


def _narrow(words: list[str]) -> None:
    """Leave only the command that is asked for: putting all ninety together takes 50 ms of every start.

    Where no command of that name is among the words, all stay: for help, and for saying what there is.
    """
    asked = iter(words)
    for word in asked:
        if word in ("-w", "--workspace"):
            next(asked, None)
        elif not word.startswith("-"):
            commands = [one for one in app.registered_commands if one.name == word]
            groups = [one for one in app.registered_groups if one.name == word]
            if commands or groups:
                app.registered_commands, app.registered_groups = commands, groups
            return


def _disk(error: OSError) -> tuple[str, str] | None:
    import errno  # noqa: PLC0415 - only on failure

    words = {
        errno.ENOSPC: ("The disk is full", "Free some space and run again; the last releases are intact."),
        errno.EDQUOT: ("The disk quota is used up", "Free some space and run again; the last releases are intact."),
        errno.EROFS: ("The disk is read-only", "Make it writable, or set another [workspace] data folder."),
        errno.EACCES: ("Not allowed", "Give your user the right to read and write there."),
        errno.EPERM: ("Not allowed", "Give your user the right to read and write there."),
        errno.ENOENT: ("There is no such file or folder", "Look at the path; folders are not made for it."),
        errno.ENOTDIR: ("That is no folder", "Look at the path."),
        errno.EISDIR: ("That is a folder, no file", "Look at the path."),
        errno.EIO: ("The disk failed", "Look at the system log; restore the workspace from a backup if need be."),
    }
    if error.errno not in words or (error.errno == errno.ENOENT and not error.filename):
        return None
    message, hint = words[error.errno]
    return f"{message}{f': {error.filename}' if error.filename else ''}.", hint
