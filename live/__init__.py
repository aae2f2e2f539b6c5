"""Tells the open pages which drives changed; how a row looks is not known here."""
