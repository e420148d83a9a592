"""The canary: a film full of marks that nobody can know, and the device that is shown it."""
