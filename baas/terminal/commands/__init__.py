"""The groups of commands: `baas chain …` is the module `chain` here. A command returns what it shows; cli.py prints it."""
