"""What a change does, before it does it: graded, planned, switched in together, undone.

Belongs here: grades of contract changes, the two states of a repository that a plan compares, the plan as a value, how it reads,
workspaces to try it in. Does not belong here: running steps. What a plan needs from a run (rows checked, models built) is worked
out by `civicops.orchestrate.planning`, which hands it to this room as values.
"""
