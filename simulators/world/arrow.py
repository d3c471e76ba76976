"""Arrow as this package uses it: the modules, untyped, and names for annotations.

Belongs here: one reason, given once. The published stubs of pyarrow reject most valid calls of its compute functions
(an index array, a text beside an array), so the modules are `Any` here and the functions that use them state their types.
Does not belong here: anything that does something.
"""

from typing import Any, TypeAlias

import pyarrow
import pyarrow.compute

pa: Any = pyarrow
pc: Any = pyarrow.compute

Array: TypeAlias = Any
Table: TypeAlias = pyarrow.Table
