"""Getting data: connectors, the landing zone, and the strict reader.

Belongs here: everything between a source and rows of text. Does not belong here: types, checks and quarantine
(`civicops.checks`), and when to fetch (`civicops.orchestrate`). Nothing in this room knows a product.

`fetch.fetch` brings a source into a `landing.Landing`, `read.raw_rows` gives what landed as SQL, `socrata.probe` and
`socrata.catalogue` ask portals without fetching. The names are not gathered here: importing one part must not load the others.
"""
