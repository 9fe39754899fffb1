"""What a street is furnished with, each thing put together from a few solids."""
