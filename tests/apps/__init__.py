"""The storages under the applications that people use: `make apps`."""
