"""Conversations by snapshot: every turn stored and counted once, found again by its prefix."""
