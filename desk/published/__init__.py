"""What anyone may read of orders: which ones, what of them, and what has become of them."""
