"""The explorer: what is on a chain, decoded by the ABIs of the templates that were deployed there."""
