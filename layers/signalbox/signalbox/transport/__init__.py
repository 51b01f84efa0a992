"""One bounded HTTP exchange, and calls signed for AWS. The edge: what needs the network needs this."""
