"""Hours from what others wrote: free texts, and the formats of older lists.

Belongs here: reading. What cannot be read for certain stays text, with a finding. Does not belong here: whether what was read is
plausible (`plausible`).
"""

from .entries import Entry, Reading, assemble, read_day_columns, read_entries, read_tuples
from .text import read_text

__all__ = ["Entry", "Reading", "assemble", "read_day_columns", "read_entries", "read_text", "read_tuples"]
