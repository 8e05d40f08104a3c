"""Figures of the knowledge base for Prometheus; no figure carries personal data."""

from prometheus_client import Counter

QUESTIONS = Counter("hotline_knowledge_questions_total", "Questions in conversations", ["channel", "verdict"])
