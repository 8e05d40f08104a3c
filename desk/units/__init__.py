"""Which unit answers: dispatch by table, returns, absence."""
