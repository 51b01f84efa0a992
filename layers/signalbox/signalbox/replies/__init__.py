"""What plans of several calls work on and come to, step by step, for whoever waits."""
