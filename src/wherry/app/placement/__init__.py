"""What Placement's clients may do: one use case a function, whatever the microversion."""
