"""Joint-enhanced multi-stream fusion: features, streams, JEMF."""
