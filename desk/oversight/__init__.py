"""Supervision: 督办, 专报, 联办, visits, bundles."""
