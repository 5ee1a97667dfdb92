"""What each page shows: a view reads what the use cases answer, and picks a template."""
