"""Outcome against baseline: estimates with intervals, a verdict by fixed rules, a report with its limits."""
