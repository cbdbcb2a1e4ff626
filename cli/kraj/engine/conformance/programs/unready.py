"""An object that stays unfinished is kept and tried again."""

from conform import Thing, stage

thing = Thing("thing", text="a", initFails=stage == 1)
Thing("after", text=thing.path)
