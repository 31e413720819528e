"""The project: settings, addresses, embedded servers and the supervisor that runs them."""

__version__ = "0.1.0"
