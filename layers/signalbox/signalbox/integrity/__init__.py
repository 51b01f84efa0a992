"""What a reply owes beside being right: a form, and sources that exist."""
