"""Recordings of calls: a message becomes an order, is fetched, sealed, transcribed if wanted, heard by the staff."""

from ivr.messages.keeping import announced, keep, recording_told
from ivr.messages.rules import talk_notice

__all__ = ["announced", "keep", "recording_told", "talk_notice"]
