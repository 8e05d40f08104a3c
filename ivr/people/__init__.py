"""People on the phone: seats on duty, the queue before them, call-backs, and the calls in which they meet callers."""
