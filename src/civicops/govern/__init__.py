"""Governance: the rules a group sets itself for its data, as files that are read and gates that hold.

Belongs here: ethics reviews, personal data, retention and deletion, who owns what, the scorecard, the catalogue for outsiders.
Does not belong here: what a contract says (`civicops.contracts`), which rows pass (`civicops.checks`), what a change does
(`civicops.change`). Each file answers one question; none of them knows a product or a city by name.
"""
