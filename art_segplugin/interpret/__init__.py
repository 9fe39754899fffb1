"""Looking inside models: what their layers return."""
