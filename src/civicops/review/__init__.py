"""Human review: questions that machines could not answer surely, put to people, and their answers on the record.

Belongs here: kinds of task, filing, the order of work, decisions, agreement, what may be accepted without a person, and what the
public sends in. Does not belong here: pages and addresses (`civicops.portal`), making the tables that tasks are filed from
(`civicops.transform`), running products (`civicops.orchestrate`).
"""
