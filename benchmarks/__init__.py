"""Measured side by side with what a user would have without this package."""
