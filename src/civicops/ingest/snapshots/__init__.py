"""Snapshots of a tree of items (a shared drive): kept small, sealed in a chain, compared.

Belongs here: what an item is (`items`), keeping snapshots (`store`), and what differs between two (`difference`). Does not belong
here: where items come from (`civicops.ingest.google`), and whether a difference is worth telling anybody.
"""
