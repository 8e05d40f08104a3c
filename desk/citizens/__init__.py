"""One citizen, many doors: all orders of a telephone whose owner has proved that it is theirs."""
