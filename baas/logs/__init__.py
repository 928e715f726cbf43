"""Logs: the one way of an entry from accepted to included to anchored, for documents and registers alike."""
