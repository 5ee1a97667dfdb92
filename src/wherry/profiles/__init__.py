"""Driver profiles and policy packs: data, and what validates and reads them."""
