"""One configured member of a combined storage."""
