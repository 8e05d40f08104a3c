"""What the bot does: asks the desk over HTTP, and leads the dialogue that files an order."""
