"""The background plate: a picture of the empty place, built without the people in it.

`builder` holds the states, `samples` the memory, `looking` the detector's views, `certainty`
the median and what may be believed of it, `release` the last check and the hatching.
"""
