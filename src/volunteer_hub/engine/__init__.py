"""Pure mathematics of assignment: plain arrays in, plans with proofs out."""
