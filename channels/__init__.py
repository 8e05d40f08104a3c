"""The written doors of the hotline: one folder a channel, one shape, one registry."""
