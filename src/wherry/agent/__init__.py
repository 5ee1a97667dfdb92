"""The host daemon: reports facts, holds a long-poll for work, answers the pre-flight."""
