"""The embedded time-stamp authority (RFC 3161): a laboratory service with a root certificate of its own.

Not qualified, and its clock is this machine's: in a pilot it stands where a real service would stand.
"""
