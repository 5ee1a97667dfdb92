"""Version policies: one module says how a version on the target may differ."""
