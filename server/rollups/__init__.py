"""Unions of cells that are computed ahead: made by a job, read in blocks of a period."""
