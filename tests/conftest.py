"""What every test shares: explained assertions of the contract suite, and Hypothesis profiles."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# The suite asserts in modules that are not tests: explained in full only if asked for.
pytest.register_assert_rewrite("fallback_storage.testing")

# The same examples in every run, and none remembered: a failure is one of the code.
settings.register_profile(
    "ci", derandomize=True, database=None, max_examples=100, deadline=None, print_blob=True
)
# New examples in every run, for as long as one has patience.
settings.register_profile("soak", max_examples=3_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
