"""Documents to ground replies in: what fits a question is put before the model, and is all that it may cite."""
