"""Step 2: facts to providers, inventories, traits and offers."""
