"""The command line: thin. Every command asks a room below and prints the answer.

Belongs here: words, tables, bars, exit codes. Does not belong here: any decision about data. Nothing heavy is imported
before a command needs it, so that `civicops --help` answers at once.
"""

from civicops.cli.app import app, main

__all__ = ["app", "main"]
