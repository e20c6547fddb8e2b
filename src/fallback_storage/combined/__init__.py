"""What a combined storage does, whatever its backends are."""
