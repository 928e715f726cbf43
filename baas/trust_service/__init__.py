"""The embedded trust service: a laboratory's stand-in for AOC's, with real cryptography and real wire formats.

Everything it signs says "Sandbox". It is not qualified, and no law gives its seals or time-stamps any weight.
"""
