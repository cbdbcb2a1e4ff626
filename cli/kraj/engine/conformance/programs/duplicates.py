"""A name is used twice."""

from conform import Thing

first = Thing("same", text="a")
Thing("same", text=first.path)
