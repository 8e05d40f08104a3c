"""Entries in files: JSON lines, YAML, CSV, XLSX, Markdown."""
