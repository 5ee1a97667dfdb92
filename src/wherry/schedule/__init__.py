"""Step 3: a guest and the fleet to ranked targets, refusals, and a claim to write."""
