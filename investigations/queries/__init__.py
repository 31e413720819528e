"""Reads that pages, jobs and the API share."""
