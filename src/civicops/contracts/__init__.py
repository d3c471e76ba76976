"""Data contracts: what a dataset promises, read from Open Data Contract Standard 3.1 files.

Belongs here: reading, resolving, comparing and describing contracts. Does not belong here: running checks on data
(`civicops.checks`), fetching it (`civicops.ingest`) or publishing it (`civicops.release`).
"""

from civicops.contracts.load import load_contract, load_contracts
from civicops.contracts.model import Check, Column, Contract
from civicops.contracts.problems import ContractFileError, Problem

__all__ = ["Check", "Column", "Contract", "ContractFileError", "Problem", "load_contract", "load_contracts"]
