"""What happened: frozen records that import nothing of ours."""
