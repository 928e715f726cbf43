"""Registers: an administration's register as an append-only log; each row version is one entry."""
