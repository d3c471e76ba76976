"""Small programs for people who work on this repository: setting up, locking, generating the reference, checking docs.

Belongs here: what a developer or the Makefile runs. Does not belong here: anything a run of a pipeline needs (`civicops`).
"""
