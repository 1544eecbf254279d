"""Copydesk's library: an article in, labelled passages out. Read `score` first, then each step of the flow in the order it calls them."""
