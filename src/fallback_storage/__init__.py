"""Several Django storages used as one."""
