"""One module a kind of source; `vision.sources.opening` chooses by name."""
