"""Makes collections of documents, and brings them to a stack."""
