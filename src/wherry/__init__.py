"""Wherry: a fleet's devices, where a guest can go with them, and why not elsewhere."""
