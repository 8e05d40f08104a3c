"""When the bot warns of danger by itself, beside the patterns of `city/emergencies.yml` that need no bot."""

LEAST_PROBABILITY = 0.05
"""A warning too many costs a sentence, a missed one may cost a life (measured in docs/understanding.md)."""


def is_danger(probability: float) -> bool:
    """Whether a matter that is danger with this probability is answered with the warning first."""
    return probability >= LEAST_PROBABILITY
