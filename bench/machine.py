"""Where and with what a figure was taken, and where it is kept."""

from __future__ import annotations

import json
import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def note() -> dict[str, object]:
    """Machine and versions."""
    versions = {}
    for name in ("homeostat", "chdb", "chdb-core", "clickhouse-connect", "uvicorn", "protobuf"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    memory = next(
        int(line.split()[1]) // 1024
        for line in Path("/proc/meminfo").read_text().splitlines()
        if line.startswith("MemTotal")
    )
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "cores": os.cpu_count(),
        "memory_mb": memory,
        "python": platform.python_version(),
        "kernel": platform.release().split("-")[0],
        "versions": versions,
    }


def keep(name: str, figures: dict[str, object]) -> Path:
    """Write a result beside the others and say it."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{time.strftime('%Y-%m-%d', time.gmtime())}-{name}.json"
    path.write_text(json.dumps({**note(), "figures": figures}, indent=1) + "\n")
    print(json.dumps(figures, indent=1))
    print(f"kept in {path.name}")
    return path
