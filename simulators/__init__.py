"""Stand-ins for the outside world: real protocols on loopback, made-up contents whose truth is known.

Belongs here: one made-up world (`world/`) and one server per outside service that shows a part of it (`socrata/`).
Does not belong here: anything of the framework. This package never imports `civicops`, and `civicops` never imports
this package; the two meet over HTTP only, which is what makes a test against it worth something.
"""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulators.socrata import PortalServer


def serve(**settings: Any) -> "AbstractContextManager[PortalServer]":
    """The open-data portal in a thread: `with simulators.serve(rows_per_year=500) as portal: portal.url`.

    `settings` are the fields of `simulators.socrata.Settings`. Raises OSError when the port is taken.
    """
    # Imported late: `python -m simulators.world.requests` needs none of the servers.
    from simulators.socrata import serve as serve_portal  # noqa: PLC0415

    return serve_portal(**settings)
