"""Data sets, annotation formats and the vocabulary that joins them."""
