"""Who is calling: Signalbox's own keys, JWTs, and the tier that goes with them."""
