"""Pairs of listings that may be one place: candidates and probabilities by Splink, reasons in words of our own.

Belongs here: keys that are compared, the model, explanations. Does not belong here: deciding (people do), survivorship
(`workflow`).
"""
