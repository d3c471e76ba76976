"""Google's interfaces on loopback: Drive v3, Drive Activity v2, Admin Reports v1, Sheets v4 and the OAuth token endpoint.

Belongs here: a made-up volunteer group with its shared drives (`group`), and the answers Google would give about it, as far as
the connectors ask. Does not belong here: anything of the framework. The official clients work against it.
"""

from simulators.google.group import FOLDER, Group, Item, made_up_group
from simulators.google.server import GoogleServer, serve_google

__all__ = ["FOLDER", "GoogleServer", "Group", "Item", "made_up_group", "serve_google"]
