"""What keeps it turning: the two processes, their wiring, jobs, clocks."""
