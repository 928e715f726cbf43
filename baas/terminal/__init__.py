"""What `baas` needs on the command line beside the commands themselves; each group of commands is one file of `commands/`."""
