"""Drift: what differs between the state of the stacks and the cloud, and what nobody planned.

`inventory` lists what a project holds, `witness` asks who did it and when. Both only read.
Which properties differ is the engine's to say (a refresh that changes nothing).
"""
