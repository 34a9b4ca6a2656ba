"""The complete path: every span in Python, slow and exact. The oracle of the fast path."""
