"""The nouns: frozen values, and the errors."""
