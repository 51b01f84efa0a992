"""Limits that bind: money, requests, tokens and places in flight, held before a call and settled after it. Pure."""
