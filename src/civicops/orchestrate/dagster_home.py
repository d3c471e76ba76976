"""Dagster's own files in a workspace, and its storage opened on them.

Belongs here: where they lie and Dagster's settings. Does not belong here: what Dagster runs (`definitions`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from civicops.workspace import Workspace

if TYPE_CHECKING:
    from dagster import DagsterInstance

DAGSTER_YAML = """\
# Made by civicops; changes here are overwritten.
telemetry:
  enabled: false
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
run_monitoring:
  enabled: true
  poll_interval_seconds: 10
  start_timeout_seconds: 60
run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
  config:
    max_concurrent_runs: 1
"""


def dagster_home(workspace: Workspace) -> Path:
    """The folder of Dagster's own files in this workspace, made if need be, with its settings written."""
    folder = workspace.folder("dagster")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "dagster.yaml"
    if not path.is_file() or path.read_text(encoding="utf-8") != DAGSTER_YAML:
        path.write_text(DAGSTER_YAML, encoding="utf-8")
    return folder


def open_instance(workspace: Workspace) -> DagsterInstance:
    """Dagster's storage of this workspace, with its telemetry off."""
    home = dagster_home(workspace)
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"
    from dagster import DagsterInstance  # noqa: PLC0415 - slow to import, and only runs need it

    # Opened for the first time it makes its tables, and two processes that both do so disturb each other.
    with FileLock(home / ".opening.lock"):
        return DagsterInstance.from_config(str(home))
