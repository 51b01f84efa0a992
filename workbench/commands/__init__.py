"""The subcommands of `signalbox`, one module each, imported only when called."""
