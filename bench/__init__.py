"""Measurements: against a limit of this machine or a peer in the same run, as ratios; results are kept in bench/results/."""
