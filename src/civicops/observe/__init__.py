"""Observation: what every run did, what is watched, what is wrong now, and who is told.

Belongs here: history of runs, monitors, incidents, alerts. Does not belong here: running products (`civicops.orchestrate` hands
its results over) or showing pages (`civicops.portal`).
"""
