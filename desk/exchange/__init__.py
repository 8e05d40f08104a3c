"""In and out: other platforms' orders, answers back, exports."""
