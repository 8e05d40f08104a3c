"""A person takes over a written conversation: the bot is silent, a seat answers, and either may end it."""
