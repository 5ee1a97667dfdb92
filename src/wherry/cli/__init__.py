"""The command line; starts the other doors."""
