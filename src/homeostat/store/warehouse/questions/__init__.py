"""Every read of facts: SQL with bound parameters, planned here, computed by the engine."""
