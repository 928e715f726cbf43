"""Witnesses: those that administrations run inside this service, and those elsewhere that its operator named."""
