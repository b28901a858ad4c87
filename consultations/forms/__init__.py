"""What is typed into pages, as values for the rules."""
