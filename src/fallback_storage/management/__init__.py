"""Management commands, and how what they know is shown."""
