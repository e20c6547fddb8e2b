"""Django's own file storage tests, over combined storages: `make upstream`."""
