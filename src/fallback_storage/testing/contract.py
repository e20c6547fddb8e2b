"""The promises every storage makes, as tests for the author of a storage.

Mix `StorageContract` into a test class, of pytest or unittest, with the one factory it needs and
what the storage declares about itself::

    class TestMyStorage(StorageContract):
        overwrites = True
        times = frozenset({"modified"})

        def make_storage(self):
            return MyStorage(bucket=new_bucket())

The capabilities and what each stands for are listed in `Capabilities`. A promise that is not made
is not skipped: the declared opposite is checked, so that the declaration stays true.

Under pytest, ``pytest.register_assert_rewrite("fallback_storage.testing")`` in ``conftest.py``
explains failures in full. Settings must be configured; the suite sets ``USE_TZ`` for itself.
"""

from __future__ import annotations

from .promises.describing import DescribingPromises
from .promises.listing import ListingPromises
from .promises.naming import NamingPromises
from .promises.opening import OpeningPromises
from .promises.saving import SavingPromises


class StorageContract(
    SavingPromises, NamingPromises, OpeningPromises, DescribingPromises, ListingPromises
):
    """Every promise; override `make_storage`, and declare what is different."""
