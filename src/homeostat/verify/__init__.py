"""Whether it helped: expectation and evidence make a verdict; experiments."""
