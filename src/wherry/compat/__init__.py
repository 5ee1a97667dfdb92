"""Contract and offer to a verdict with all its reasons; pure, as the specification has it."""
