"""civicops: DataOps for a civic-tech group, in one repository that one person can run."""

__version__ = "0.1.0"
