"""Calls to models, told without a line in the application: by instrumentors that are installed, else by our own."""
