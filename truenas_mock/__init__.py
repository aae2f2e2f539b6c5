"""A NAS that lies on request: an independent stand-in for one TrueNAS (REST API v2.0 and SSH).

It imports nothing of the product, so that a mistake there can't be mirrored here and go unseen. How
to run it: `./run mock --help`; what can go wrong on request: debug.py.
"""
