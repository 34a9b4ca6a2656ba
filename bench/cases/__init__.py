"""The acceptance cases of the statistics: simulations with limits. `make test` runs them small, nightly whole.

`python -m bench statistics` runs them whole and writes the table in docs/statistics.md.
"""

from bench.cases.actions import CASES as ACTIONS
from bench.cases.detection import CASES as DETECTION
from bench.cases.drift import CASES as DRIFT
from bench.cases.experiments import CASES as EXPERIMENTS
from bench.cases.judges import CASES as JUDGES

CASES = (*DETECTION, *DRIFT, *EXPERIMENTS, *JUDGES, *ACTIONS)
