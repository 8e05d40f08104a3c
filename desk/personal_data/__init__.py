"""Who the citizen is: looks, erasure, confidential orders."""
