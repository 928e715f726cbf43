"""Evidence: digests, commitments, the append-only log, checkpoints, receipts, trust roots, verification.

Nothing here opens a socket, a database or an EVM. Start with `README.md` beside this file, then `verify.py`.
"""
