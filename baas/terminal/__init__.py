"""What `baas` needs on the command line; each group of commands is one file of `commands/`."""
