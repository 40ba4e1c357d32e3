"""Fixtures of the pipeline's tests; the folder's helper modules are found because this file is here."""
