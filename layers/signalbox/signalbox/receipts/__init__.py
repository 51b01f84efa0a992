"""Receipts: what adapters leave behind, so that a reply that was paid for is neither lost nor paid twice."""
