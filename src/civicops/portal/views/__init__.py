"""The pages of the portal.

Belongs here: from a request to an answer, one module per kind of page. Does not belong here: reading the workspace (`reading`,
`state`, `catalogue`), who may do what (`access`).
"""
