"""Accounts: custodial accounts of a chain brought in, handed out, given a new key, and sent with."""
