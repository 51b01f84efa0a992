"""How sure it is that a fast reply is good enough, out of what is really there (A3, E4)."""
