"""`views.serve` beside Django's own view and beside S3 alone; run in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from typing import Any
from wsgiref.util import setup_testing_defaults

from .aims import Aim
from .section import Run, Section, in_turn, median_ratio
from .table import microseconds, table
from .world import FIRST, SECOND

LOCAL_ROUNDS, REMOTE_ROUNDS, QUICK_ROUNDS = 41, 101, 5
CALLS = 50
OURS, DJANGO, STORAGE, CLIENT = "views.serve", "static.serve", "S3Storage", "boto3's client"
# What `startproject` writes, less what needs a database.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
urlpatterns: list[Any] = []
Times = dict[str, list[float]]


def measure(run: Run) -> Section:
    directory = run.world.directory()
    given = {
        "directory": str(directory),
        "s3": run.world.s3("lower")["options"],
        "rounds": [QUICK_ROUNDS] * 2 if run.quick else [LOCAL_ROUNDS, REMOTE_ROUNDS],
    }
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        input=json.dumps(given),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    local, remote = json.loads(done.stdout)
    section = Section("MEDIA_URL through the view")
    section.add(
        "An OverlayStorage of a FileSystemStorage over S3, without promotion. Microseconds of a"
        " whole request for a local\nfile, through Django's WSGI handler and the middleware that"
        " every site has; and until the first chunk of a remote\none is there.\n"
    )
    rows = [["local, whole", *row] for row in _rows(local, DJANGO)]
    rows += [["S3, first chunk", *row] for row in _rows(remote, STORAGE)]
    section.add(table(["", "", "microseconds", "ratio"], rows, texts=2))
    section.aims = [
        Aim(
            f"a request for a local file, {OURS} beside {DJANGO}",
            1 / 0.9,
            _of(local, DJANGO),
        ),
        Aim(f"first chunk of a file in S3, {OURS} beside S3 alone", 1.2, _of(remote, STORAGE)),
    ]
    return section


def _of(times: Times, other: str) -> float:
    return median_ratio(times[OURS], times[other])


def _rows(times: Times, other: str) -> list[list[str]]:
    return [
        [who, microseconds(median(taken)), f"{median_ratio(taken, times[other]):.2f}"]
        for who, taken in times.items()
    ]


def _take(rounds: int, calls: int, contenders: Mapping[str, Callable[[], None]]) -> Times:
    """Time each in turn; the first round warms up."""
    times: Times = {who: [] for who in contenders}
    for number in range(-1, rounds):
        for who in in_turn(list(contenders), number):
            begin = perf_counter_ns()
            for _ in range(calls):
                contenders[who]()
            if number >= 0:
                times[who].append((perf_counter_ns() - begin) / calls)
    return times


def _configure(given: Mapping[str, Any]) -> None:
    import django
    from django.conf import settings

    disk = {"location": given["directory"], "base_url": "/media/"}
    members = {"BACKEND": "fallback_storage.storage.OverlayStorage"}
    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="__main__",
        SECRET_KEY="benchmark",
        MIDDLEWARE=MIDDLEWARE,
        STORAGES={
            "default": {**members, "OPTIONS": {"backends": ["disk", "s3"]}},
            "disk": {
                "BACKEND": "django.core.files.storage.FileSystemStorage",
                "OPTIONS": disk,
            },
            "s3": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": given["s3"]},
        },
    )
    django.setup()


def _start(status: str, *_: Any) -> Callable[[bytes], object]:
    assert status == "200 OK"  # noqa: S101
    return lambda _: None


def main() -> None:
    given = json.load(sys.stdin)
    _configure(given)
    from django.core.files.storage import storages
    from django.core.wsgi import get_wsgi_application
    from django.test import RequestFactory
    from django.urls import path
    from django.views import static

    from fallback_storage.views import serve

    local, remote = f"{FIRST}/00.bin", f"{SECOND}/00.bin"
    request = RequestFactory().get("/media/")
    s3: Any = storages["s3"]
    client = s3.connection.meta.client

    def first_of(response: Any) -> None:
        next(iter(response.streaming_content))
        response.close()

    urlpatterns[:] = [
        path("ours/<path:path>", serve, {"allow": True}),
        path("django/<path:path>", static.serve, {"document_root": given["directory"]}),
    ]
    application = get_wsgi_application()

    def get(url: str) -> None:
        environ: dict[str, Any] = {"PATH_INFO": url}
        setup_testing_defaults(environ)
        response = application(environ, _start)
        b"".join(response)
        response.close()

    def stored() -> None:
        with s3.open(remote) as file:
            file.read(64 * 1024)

    def got() -> None:
        body = client.get_object(Bucket=s3.bucket_name, Key=remote)["Body"]
        body.read(64 * 1024)
        body.close()

    rounds = given["rounds"]
    locally = {
        DJANGO: lambda: get(f"/django/{local}"),
        OURS: lambda: get(f"/ours/{local}"),
    }
    remotely = {
        CLIENT: got,
        STORAGE: stored,
        OURS: lambda: first_of(serve(request, remote, allow=True)),
    }
    print(json.dumps([_take(rounds[0], CALLS, locally), _take(rounds[1], 1, remotely)]))


if __name__ == "__main__":
    main()
