"""Entries in files: JSON lines, YAML."""
