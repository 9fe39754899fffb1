"""What the desktop app is without its window: state, requests, frames, sources, export. No Qt."""
