"""The register: what an order is, opening it, finding it, its log."""
