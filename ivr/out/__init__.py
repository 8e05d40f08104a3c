"""Calling out: the campaign that calls citizens back for 回访, and the lists of numbers it must not call."""
