"""A practice world: a simulated LLM application that goes wrong on purpose. It knows the product only from outside."""
