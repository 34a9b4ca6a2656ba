"""How calls go through: one base URL in front of any provider, obeying the routing policy, never in the way."""
