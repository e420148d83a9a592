"""The commands of `encounter-server`, a module each: `add` its options, `run` it."""
