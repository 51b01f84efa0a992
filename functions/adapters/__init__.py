"""One folder per provider: what its wire format says, and the Lambda that speaks it."""
