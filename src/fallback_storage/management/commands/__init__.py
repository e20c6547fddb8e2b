"""``storage_status`` and ``storage_explain``."""
