"""Wrappers of the attacks for other libraries: names and types are translated, nothing is computed."""
