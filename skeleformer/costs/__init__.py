"""Parameters and floating-point operations of each network."""
