"""Every schedule of two operations on one name, each judged by an oracle.

``actors`` are threads of which one runs at a time; ``disk``, ``stores``, ``s3`` and ``locks`` make
a step of whatever one of them does that the other may see, and at each step ``runs`` lets it be
chosen who goes on. ``enumeration`` makes all choices. ``worlds`` are what the actors work on,
``operations`` what they do, ``processes`` what they share. ``model`` and ``oracle`` judge: some
order of the two operations has to explain what they came to. ``cases`` are what is played.
"""
