"""Twilio: signed form posts in, TwiML out."""
