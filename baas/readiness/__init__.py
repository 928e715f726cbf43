"""Readiness: what an administration must have before it uses the real services; declared by its people, never checked."""
