"""A stand-in for a Socrata open-data portal on loopback: SODA2, SODA3, exports, catalogue, and faults on demand.

Belongs here: the portal's protocol, its quirks and its ways to fail. Does not belong here: what the data say; that is
the world's (`simulators.world`), and given CSV files'. Everything under `/_sim/` is the stand-in's own control panel.
"""

from simulators.socrata.server import PortalServer, Settings, serve

__all__ = ["PortalServer", "Settings", "serve"]
