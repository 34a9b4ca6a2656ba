"""What it means: scorers, text metrics, drift and statistics. Works on plain records, knows no store."""
