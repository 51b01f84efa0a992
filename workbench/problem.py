"""What goes wrong between a person and the command."""


class Problem(Exception):
    """The message is for the person at the keyboard: what went wrong and what to do. Exit code 1, no traceback."""
