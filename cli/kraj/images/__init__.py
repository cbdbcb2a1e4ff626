"""Images that servers boot from: built in layers, sealed, tested, published, retired.

`recipe` says what an image is made of, `tree` and `machine` make it, `sealing` takes out what
belongs to one machine alone, `outputs` writes the files. Nothing here knows a region's plan.
"""
