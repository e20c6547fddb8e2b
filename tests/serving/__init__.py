"""Files served through a storage."""
