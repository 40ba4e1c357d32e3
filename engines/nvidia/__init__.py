"""TensorRT and TensorRT-RTX: libraries, engine builds and their cache, CUDA buffers."""
