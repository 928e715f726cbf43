"""The embedded time-stamp authority (RFC 3161): not qualified, and its clock is this machine's."""
