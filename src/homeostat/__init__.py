"""Homeostat keeps a language-model application inside the limits its owners set."""
