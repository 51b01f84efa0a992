"""Functions that keep the house in order, asked by nobody."""
