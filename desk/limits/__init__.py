"""Time: limits, clocks, lights, who is late."""
