"""Carries a decision out: one plan a module, the outside behind the ports."""
