"""Several Django storages used as one."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "2.0.0.dev0"
