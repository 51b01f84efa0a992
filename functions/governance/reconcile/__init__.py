"""Settles what requests left open when their process died."""
