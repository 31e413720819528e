"""A small Internet of our own: the providers' APIs and DNS with chosen personas, for demo, training and tests.

A second, independent implementation of the providers' shapes: it shares no code with `investigations.providers`.
"""

from __future__ import annotations

from investigations.simulator.server import PortBusyError, Simulator

__all__ = ["PortBusyError", "Simulator"]
