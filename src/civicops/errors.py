"""Errors that a person is meant to read.

Belongs here: the base class every expected failure derives from. Does not belong here: the errors themselves; each lives
beside the code that raises it, so that a reader finds cause and wording in one place.
"""


class CivicopsError(Exception):
    """A failure with a known cause: one line that says what is wrong, and a hint that says what to do next.

    The command line prints both and exits with `exit_code`; anything that is not a `CivicopsError` is a bug and keeps
    its traceback.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()
