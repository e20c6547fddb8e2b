"""`python -m benchmarks`: measure, and print Markdown tables."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version

from django.conf import settings

from .requests import print_requests
from .timings import print_timings


def main() -> None:
    settings.configure(USE_TZ=True, MEDIA_URL="/media/")
    print("# Benchmarks\n")
    print(
        f"{platform.python_implementation()} {platform.python_version()},"
        f" Django {version('django')}, django-storages {version('django-storages')},"
        f" {platform.system()} {platform.machine()}, {os.cpu_count()} CPUs.\n"
    )
    print_requests()
    print_timings()


if __name__ == "__main__":
    main()
