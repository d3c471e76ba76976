"""Google's interfaces by Google's own clients, which are the extra `google`.

Belongs here: signing in (`client`), what Drive holds (`drive`), why something is absent (`evidence`), snapshots of shared drives
(`listing`, `observe`), and rows written to a sheet (`sheets`). Does not belong here: thresholds and reports; a product has them.
"""
