"""Pilots: a frozen plan, the same cases through every arm, observations that nobody changes, and a decision."""
