"""The classifiers that are compared; run in the bot's interpreter (Python 3.10)."""
