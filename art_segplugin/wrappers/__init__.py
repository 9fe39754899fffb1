"""Faces of the recipes for other libraries: names and types are translated, nothing is computed."""
