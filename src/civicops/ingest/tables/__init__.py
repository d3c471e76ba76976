"""Tables as people have them: CSV and XLSX files with columns of any name, read by a layout into the columns of one dataset.

Belongs in this room: reading such a file within bounds (`read`), what its columns mean (`layout`), and the rows that come of it
(`mapped`). Does not belong here: judging the rows (`civicops.checks`), what a value means (the product).

Needs the packages of the extra `listings`; nothing else of civicops does, so they are only imported when a table is read.
"""
