"""What a person runs: the command line, the headless run, the window and the drawing."""

__version__ = "0.1.0"
