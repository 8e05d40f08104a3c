"""The carriers: each turns its own wire format into what happened on a call, and instructions into its own format."""
