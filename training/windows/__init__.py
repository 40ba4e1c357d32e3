"""Training windows: cutting, cameras, noise, idle people, sampling."""
