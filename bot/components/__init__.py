"""Our own parts of Rasa's pipeline."""
