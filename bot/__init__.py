"""Everything that belongs to the dialogue; lives in Rasa's own interpreter and imports no other room."""
