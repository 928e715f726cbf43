"""Deployments: templates on chains at addresses, with the code verified."""
