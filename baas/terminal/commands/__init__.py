"""The commands: `baas notarise` is the module `notarise` here, and a group such as `baas chain …` is `chain`.

A command returns what it shows; cli.py prints it.
"""
