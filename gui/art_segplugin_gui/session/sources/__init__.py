"""Where pictures come from: files, videos, cameras and rendered scenes."""
