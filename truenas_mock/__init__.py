"""A NAS that lies on request: an independent stand-in for one TrueNAS (REST API v2.0 and SSH).

It imports nothing of the product, so that a mistake of ours can't be mirrored here and go unseen. What it simulates and
how it is run: docs/mock.md.
"""
