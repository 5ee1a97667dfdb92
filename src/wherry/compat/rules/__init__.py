"""One rule, one module; no rule knows another."""
