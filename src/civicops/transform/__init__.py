"""Transform: a product's SQL models, run by dbt in this process.

Belongs in this room: the dbt project that is generated around a product's models, what models may read (accepted rows,
lookups, releases, boundaries), the macros that keep models free of one engine's dialect, and what dbt said in the end.
Does not belong here: the models themselves (`products/<product>/models`), checking rows (`civicops.checks`), publishing
(`civicops.release`).

dbt takes seconds to import, so nothing here imports it before a model is really run.
"""

from civicops.transform.build import build, compiled_models, read_ahead, run_unit_tests
from civicops.transform.project import Engine
from civicops.transform.values import BuildResult, LayerFinding, ModelResult, TransformError, UnitTestResult

__all__ = [
    "BuildResult",
    "Engine",
    "LayerFinding",
    "ModelResult",
    "TransformError",
    "UnitTestResult",
    "build",
    "compiled_models",
    "read_ahead",
    "run_unit_tests",
]
