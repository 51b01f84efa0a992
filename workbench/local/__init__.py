"""AWS on the laptop: MiniStack, the provider simulator and the stack deployed to it."""
