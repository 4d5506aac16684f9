"""Image repositories: where the rows live.

``engine`` connects to SQLite or PostgreSQL, ``tables`` describes the rows, ``migrate`` brings a database up to date,
and ``sql`` implements ``services.ports.ImageRepository`` on them. ``failures`` is where SQLAlchemy's errors end.
"""
