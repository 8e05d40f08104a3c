"""One intake behind all doors: the message shape, the persisted inbox, the way to the bot and back."""
