"""The service put together from its doors, and the HTTP server that runs it."""
