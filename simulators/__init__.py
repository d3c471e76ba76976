"""Stand-ins for the outside world: real protocols on loopback, made-up contents whose truth is known.

Belongs here: one made-up world (`world/`) and one server per outside service that shows a part of it (`socrata/`).
Does not belong here: anything of the framework. This package never imports `civicops`, and `civicops` never imports
this package; the two meet over HTTP only, which is what makes a test against it worth something.
"""
