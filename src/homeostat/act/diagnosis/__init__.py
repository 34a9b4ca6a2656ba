"""Why did it happen? Candidates with evidence for and against, and what would settle it. See design/0009-acting.md."""

from homeostat.act.diagnosis.evidence import Beside, Change, Evidence, Moved, Shift, Topic, Volume
from homeostat.act.diagnosis.weigh import diagnose

__all__ = ["Beside", "Change", "Evidence", "Moved", "Shift", "Topic", "Volume", "diagnose"]
