"""After the reply: the gate, call-backs, re-checks, reminders."""
