"""`make bench-chains`: a fleet of chains, beside the engines and the development nodes that can be installed."""
