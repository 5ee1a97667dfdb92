"""Step 4: the life cycle of a migration and its pre-flight, as values."""
