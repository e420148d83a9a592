"""A workshop of shops: simulated days at a counter, their exact truth, and how they are seen."""
