"""The portal: what the public and the volunteers see of every product.

Belongs here: pages, catalogue, programming interface, accounts, permissions, and the same pages as static files. Does not
belong here: making data; the portal reads releases, run records and contracts, and knows no product by name.
"""
