"""Notarisations: digests of documents become entries of the administration's document log."""
