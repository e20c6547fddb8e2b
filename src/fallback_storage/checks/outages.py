"""What the checks find about backends that do not answer, and the threads that bound them."""

from __future__ import annotations

from django.core import checks

from fallback_storage.backend.adapters import bound_to_a_thread
from fallback_storage.checks.configured import Configured, Messages, of_each


@of_each
def no_timeout(configured: Configured) -> Messages:
    for storage in configured.storages:
        client = storage.adapter.client
        if not client or storage.options.timeout is not None or storage.has_client_timeouts:
            continue
        other = "Its client has no timeouts of its own."
        if client.advice:
            other = f"Its client's own: {client.advice}."
        yield checks.Warning(
            f"{configured.where}: {storage.name} has no timeout. While its server does not answer"
            f" each call hangs {client.hangs}.",
            hint=f'Give it a deadline: {{"BACKEND": {storage.name!r}, "TIMEOUT": 2}}. {other}',
            id="fallback_storage.W005",
        )


@of_each
def unbounded_writes(configured: Configured) -> Messages:
    for storage in configured.storages:
        client = storage.adapter.client
        if storage.options not in configured.writable or storage.options.timeout is None:
            continue
        if client and client.advice and not storage.has_client_timeouts:
            yield checks.Warning(
                f"{configured.where}: TIMEOUT does not bound a write to {storage.name}. While its"
                f" server does not answer it hangs {client.hangs}.",
                hint=f"Set its client's own timeouts: {client.advice}.",
                id="fallback_storage.W006",
            )


@of_each
def transfer_threads(configured: Configured) -> Messages:
    for storage in configured.storages:
        if storage.options.timeout is not None and storage.adapter.transfers_in_threads(
            storage.option
        ):
            yield checks.Warning(
                f"{configured.where}: {storage.name} transfers files in threads of its client,"
                " which hold up the interpreter's exit while its server does not answer (21.7 s"
                " were measured).",
                hint='"transfer_config": boto3.s3.transfer.TransferConfig(use_threads=False), or'
                " the setting AWS_S3_TRANSFER_CONFIG.",
                id="fallback_storage.W007",
            )


@of_each
def bound_to_its_thread(configured: Configured) -> Messages:
    for storage in configured.storages:
        options = storage.options
        asked_in_threads = options.timeout is not None or options.threads is not None
        bound = bound_to_a_thread(storage.cls)
        if asked_in_threads and bound is not None:
            yield checks.Warning(
                f"{configured.where}: {storage.name} is asked in threads of its own, where"
                f" {bound} has another database connection: no transaction of the request, and"
                " not its tenant.",
                hint="Remove its TIMEOUT and THREADS.",
                id="fallback_storage.W008",
            )


@of_each
def one_connection(configured: Configured) -> Messages:
    for storage in configured.storages:
        options = storage.options
        # With TIMEOUT it is one thread that asks, unless THREADS says otherwise.
        threads = options.threads or (2 if options.timeout is None else 1)
        if storage.adapter.one_connection and threads > 1:
            yield checks.Warning(
                f"{configured.where}: {storage.name} has one connection, which threads must not"
                " share. With 8 of them none of 120 calls came back right.",
                hint=f'Let one thread ask it: {{"BACKEND": {storage.name!r}, "THREADS": 1}}.',
                id="fallback_storage.W009",
            )


WARNINGS = (no_timeout, unbounded_writes, transfer_threads, bound_to_its_thread, one_connection)
