"""Pictures, videos and voice notes that citizens send: looked at, kept sealed, and put to their order."""
