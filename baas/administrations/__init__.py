"""Administrations, their members, AOC's staff, mandates, and the tokens that stand for people."""
