"""People of the house: users, tokens, sign-in, the audit."""
