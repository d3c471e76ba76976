"""The made-up world every simulator shows a part of: a city, its councils, addresses and requests.

Belongs here: what is true in the world, made from a seed and nothing else (the same seed gives the same world on every
machine). Does not belong here: protocols, servers, faults; those live with the service that speaks them.
"""
