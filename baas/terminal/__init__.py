"""What `baas` needs on the command line; each command, or group of them, is one module of `commands/`."""
