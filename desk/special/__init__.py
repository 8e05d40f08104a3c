"""Special channels: deputies, leader-answers sessions."""
