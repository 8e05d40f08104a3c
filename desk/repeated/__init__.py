"""The same matter again: similar orders, joining, supporters."""
