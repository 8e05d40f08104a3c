"""The work-order backend: its model, its register, its API."""
