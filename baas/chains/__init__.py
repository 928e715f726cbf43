"""Chains: whose they are, in which state they are wanted, and the ones awake in this process."""
