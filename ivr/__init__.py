"""The phone: a pure call flow, the calls it runs, and the carriers' wire formats at its edge."""
