"""The window: services that run the pipeline, and widgets that show what comes out."""

from app.window.launch import run_window

__all__ = ["run_window"]
