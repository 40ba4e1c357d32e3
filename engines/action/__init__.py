"""The action model: its graphs, their export, and how its decisions compare between engines."""
