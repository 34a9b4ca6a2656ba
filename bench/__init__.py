"""Measurements against a limit of this machine or a peer in the same run, as ratios. Results: bench/results/."""
