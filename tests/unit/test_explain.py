"""Which backend serves a name, and why."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage

from fallback_storage.combined.explain import explain
from fallback_storage.outcomes import Outcome
from fallback_storage.storage import FallbackStorage
from fallback_storage.testing import FaultyStorage


@pytest.fixture
def first() -> FaultyStorage:
    return FaultyStorage(InMemoryStorage())


@pytest.fixture
def second() -> FaultyStorage:
    storage = FaultyStorage(InMemoryStorage())
    storage.save("a.txt", ContentFile(b"abc"))
    return storage


@pytest.fixture
def storage(first: FaultyStorage, second: FaultyStorage) -> FallbackStorage:
    named = [{"BACKEND": first, "NAME": "uploads"}, {"BACKEND": second, "NAME": "production"}]
    return FallbackStorage(backends=named)


def ticks() -> Iterator[float]:
    return (number * 0.25 for number in count())


def test_it_tells_what_each_backend_said(storage: FallbackStorage) -> None:
    clock = ticks()
    explanation = explain(storage.members, "a.txt", clock=lambda: next(clock))
    uploads, production = explanation.answers
    assert (uploads.backend, uploads.outcome, uploads.size) == ("uploads", Outcome.MISSING, None)
    assert (production.outcome, production.size) == (Outcome.ANSWER, 3)
    assert production.modified == storage.get_modified_time("a.txt")
    assert production.seconds == 0.25
    assert explanation.served_by == "production"
    assert explanation.why == "served by production: uploads said missing"


def test_every_backend_is_asked_also_after_one_has_it(
    storage: FallbackStorage, first: FaultyStorage
) -> None:
    first.save("a.txt", ContentFile(b"mine"))
    explanation = storage.explain("a.txt")
    assert [answer.outcome for answer in explanation.answers] == [Outcome.ANSWER, Outcome.ANSWER]
    assert explanation.why == "served by uploads, the first backend"


def test_a_fault_is_an_answer_here(storage: FallbackStorage, first: FaultyStorage) -> None:
    first.refusing()
    explanation = storage.explain("a.txt")
    assert explanation.answers[0].outcome is Outcome.UNREACHABLE
    assert explanation.answers[0].error_type == "ConnectionRefusedError"
    assert explanation.served_by == "production"


def test_where_a_fault_ends_a_read_nobody_serves(
    first: FaultyStorage, second: FaultyStorage
) -> None:
    first.denied()
    storage = FallbackStorage(backends=[first, second], on_fault="raise")
    explanation = storage.explain("a.txt")
    assert explanation.served_by is None
    assert explanation.why == "not served: FaultyStorage could not answer"


def test_what_may_be_in_a_dead_backend_is_not_called_missing(
    storage: FallbackStorage, first: FaultyStorage
) -> None:
    first.refusing()
    explanation = storage.explain("nowhere.txt")
    assert explanation.served_by is None
    assert explanation.why == ("not served: uploads could not answer, the others do not have it")


def test_a_file_that_is_nowhere(storage: FallbackStorage) -> None:
    explanation = storage.explain("nowhere.txt")
    assert (explanation.served_by, explanation.why) == (None, "not served: no backend has it")


def test_a_fact_that_cannot_be_had_is_left_out(
    storage: FallbackStorage, second: FaultyStorage
) -> None:
    second.stage("get_modified_time", error=NotImplementedError())
    assert storage.explain("a.txt").answers[1].modified is None


def test_it_reads_as_a_table(storage: FallbackStorage, second: FaultyStorage) -> None:
    second.stage("size", error=OSError("s3cr3t"))
    text = str(storage.explain("a.txt"))
    lines = text.splitlines()
    assert lines[0] == "'a.txt': served by production: uploads said missing"
    assert lines[1].startswith("  uploads: missing (")
    assert lines[2].startswith("  production: answer (")
    assert "modified 20" in lines[2]
    second.heal()
    assert "3 bytes" in str(storage.explain("a.txt"))
    second.refusing()
    assert "ConnectionRefusedError" in str(storage.explain("a.txt"))


def test_locate_names_the_backend_that_serves(storage: FallbackStorage) -> None:
    assert storage.locate("a.txt") == "production"
    assert storage.locate("nowhere.txt") is None


def test_locate_does_not_guess(storage: FallbackStorage, second: FaultyStorage) -> None:
    second.refusing()
    with pytest.raises(ConnectionRefusedError):
        storage.locate("nowhere.txt")
