"""Custody: each administration's keystore password, and the service's master key that these are wrapped by."""
