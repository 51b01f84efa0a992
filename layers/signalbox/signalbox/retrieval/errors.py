"""What retrieval can fail with."""


class RetrievalUnavailable(Exception):
    """A collection could not be searched. The message never holds what was asked."""
