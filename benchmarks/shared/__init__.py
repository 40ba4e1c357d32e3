"""Scenes and tables that several benchmarks use."""
