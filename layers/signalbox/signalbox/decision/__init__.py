"""Chooses a model. Pure: no clock, no network, no storage of its own."""
