"""Renewals: receipts put under a root by another algorithm, while those that they rest on still hold."""
