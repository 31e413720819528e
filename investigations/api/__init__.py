"""The JSON API under /api/v1/: alerts in, investigations out; health and metrics beside it."""
