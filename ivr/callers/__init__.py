"""Who is calling: known numbers, proof, their open orders in words, family members, elders, the leader's session."""

from desk.special.running import leader_seat
from ivr.callers.callers import Callers, ElderList

__all__ = ["Callers", "ElderList", "leader_seat"]
