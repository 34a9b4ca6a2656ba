"""One file a step, with its way back."""
