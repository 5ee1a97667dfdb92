"""Use cases: read, decide, write.  Here the halves meet."""
