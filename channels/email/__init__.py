"""E-mail: each letter becomes an order a person reads, and what is to be told of it goes back by mail."""
