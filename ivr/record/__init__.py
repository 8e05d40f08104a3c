"""The record of calls: what happened on each, how far callers come, and the telephone calls are rehearsed with."""
