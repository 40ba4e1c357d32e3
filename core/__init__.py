"""The ground floor: records, errors, files, and the mathematics of skeletons that every other package builds on."""
