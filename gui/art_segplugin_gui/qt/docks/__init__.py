"""Panels beside the panes; each shows plain values and says what the user changed."""
