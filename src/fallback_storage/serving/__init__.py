"""Answers to requests for files: which part, in which form, read from which backend."""
