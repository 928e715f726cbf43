"""The runtime library: one isolated, permissioned test chain, and what can be proved about it.

Nothing is imported here, so that `import sandbox.evidence` stays light: a court expert needs no EVM.
"""
