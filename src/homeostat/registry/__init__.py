"""What may be done with prompts, releases and policies: make, label, compare, change, go back."""
