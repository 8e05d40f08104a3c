"""An order's life: which move may follow, and what it does besides."""
