"""This product fetches nothing: its rows come from the releases of other products that product.yaml names under `reads`.

Belongs here: the empty list. Does not belong here: anything else.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from civicops.ingest.values import Source


def sources(_settings: Mapping[str, Any]) -> Sequence[Source]:
    """None."""
    return []
