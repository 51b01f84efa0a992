"""A stand-in for four model providers on one loopback port: their wire formats, limits, errors and faults."""
