"""civicops: DataOps for a civic-tech group, in one repository that one person can run.

Belongs here: rooms that know no product, no city and no organisation by name. Does not belong here: anything of one product;
that is all in its folder under `products/`.
"""

__version__ = "0.1.0"
