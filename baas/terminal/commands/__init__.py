"""The groups of commands: `baas chain …` is chain.py here. A command returns what it shows; cli.py prints it."""
