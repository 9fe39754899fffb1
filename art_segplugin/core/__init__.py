"""The vocabulary of an attack: pure torch, no numpy, no files, no ART."""
