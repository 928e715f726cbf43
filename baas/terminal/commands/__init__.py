"""The commands, one file each: `baas notarise` is notarise.py here, and a group such as `baas chain …` is chain.py.

A command returns what it shows; cli.py prints it.
"""
