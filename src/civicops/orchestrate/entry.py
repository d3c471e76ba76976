"""What Dagster's own programs load.

Belongs here: one name. Does not belong here: anything else; the definitions are made in `definitions`.
"""

from civicops.orchestrate.definitions import repository

defs = repository()
