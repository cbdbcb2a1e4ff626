"""The provider's check refuses an input."""

from conform import Thing

first = Thing("first", text="a")
Thing("bad", size=-1, text=first.path)
