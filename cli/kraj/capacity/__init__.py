"""What a region's storage holds: promised by the files, made and written in the cloud, until when.

`usage` reads the cloud, `forecast` judges (pure).
"""
