"""What people fill in. A form checks and converts; services decide whether it may happen."""
