"""Plans with several calls: each step from what is on record to one more result, and how it all ends."""
