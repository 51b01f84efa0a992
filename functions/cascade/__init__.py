"""Fast pass, then verify: the state machine's definition, and the one function that carries its steps out."""
