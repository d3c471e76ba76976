"""Cleaning of listings: one row of a list in, typed values out, with every change and every doubt on record.

Belongs here: pure functions on values, with the kept libraries (phonenumbers, email-validator, usaddress, rapidfuzz). Does
not belong here: the network, files, what people decided.
"""
