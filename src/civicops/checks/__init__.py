"""Checks: raw rows in, accepted rows and quarantined rows out, with every finding counted.

Belongs here: compiling a contract's checks to SQL, running them over landed rows, the quarantine, which of several
versions of a row counts, and the gate before a release. Does not belong here: what a check is (`civicops.contracts`),
where rows come from (`civicops.ingest`), what is made of them (`civicops.transform`).
"""
