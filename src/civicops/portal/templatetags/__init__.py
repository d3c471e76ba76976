"""Tags of the portal's templates.

Belongs here: the package that Django looks in. Does not belong here: the tags (`portal`).
"""
