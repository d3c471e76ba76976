"""Getting data: connectors, the landing zone, and the strict reader.

Belongs here: everything between a source and rows of text. Does not belong here: types, checks and quarantine
(`civicops.checks`), and when to fetch (`civicops.orchestrate`). Nothing in this room knows a product.
"""
