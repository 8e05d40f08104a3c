"""Telling people and systems: notices, the outbox, deliveries, webhooks."""
