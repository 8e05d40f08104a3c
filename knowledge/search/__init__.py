"""Finding the entry that answers a question, and judging whether it does."""
