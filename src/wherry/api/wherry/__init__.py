"""Wherry's own API below ``/wherry/``."""
