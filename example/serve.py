"""``python -m example.serve``: the example site, with its production, until Ctrl-C."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

from example.production import Production
from example.stage import stage
from example.weed import HOST

PORT = 8000


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


def main() -> int:
    with stage() as (production, _, pictures):
        from example import dump  # models need Django set up

        dump.load(pictures)
        serve(production)
    return 0


def serve(production: Production) -> None:
    """Serve the site, with the button for production, until Ctrl-C."""
    hand_over(production)
    with served() as address:
        print(f"Production: {production.address}")
        print(f"The site: {address} (admin: {address}admin/, editor / editor)")
        print("It runs until Ctrl-C, and leaves nothing behind.", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print("\nStopped.")


def hand_over(production: Production) -> None:
    """Let the site stop and start production."""
    from example.gallery.apps import config

    config().production = production


@contextmanager
def served() -> Iterator[str]:
    """Serve the site from other threads; the address is DEMO_PORT's, or any if it is taken."""
    server = _server(int(os.environ.get("DEMO_PORT", PORT)))
    server.set_app(StaticFilesHandler(get_wsgi_application()))
    thread = threading.Thread(target=server.serve_forever, name="site", daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def _server(port: int) -> ThreadedWSGIServer:
    try:
        return ThreadedWSGIServer((HOST, port), _Quiet)
    except OSError:
        return ThreadedWSGIServer((HOST, 0), _Quiet)


if __name__ == "__main__":
    sys.exit(main())
