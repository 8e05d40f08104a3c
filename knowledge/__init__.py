"""The knowledge base: what citizens and companies are told at once, and how it is kept right."""
