"""The state machine that carries out plans of several calls."""
