"""Working on top of storages that must not change: whiteouts and copy-up."""
