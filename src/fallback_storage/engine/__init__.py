"""How a combined storage asks its backends."""
