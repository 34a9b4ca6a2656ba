"""What is done about what was found: incidents, whom they are told to, remedies."""
