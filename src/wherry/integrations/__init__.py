"""Doors to other services: what speaks their words, and Wherry's only where they are the same."""
