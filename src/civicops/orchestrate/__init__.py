"""Orchestration: the order of the steps, the locks, the record of every run, and Dagster definitions made from products.

Belongs here: what happens in which order, and what is remembered of it. Does not belong here: how a step does its work;
each room below does its own.
"""
