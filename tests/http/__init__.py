"""HTTPStorage without a server: its options. With one: ``tests/servers/``."""
