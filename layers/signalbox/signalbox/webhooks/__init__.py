"""Final replies, sent to where the policy says, and signed."""
