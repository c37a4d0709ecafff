"""Servers of pages: how they are started, and whom they let in."""
