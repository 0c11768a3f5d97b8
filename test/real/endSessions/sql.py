"""Runs statements on an SQLite file, then tells how many rows of auth_token are left: sql.py FILE STATEMENTS"""

import sqlite3
import sys

file, statements = sys.argv[1:]
with sqlite3.connect(file) as database:
    database.executescript(statements)
    print(database.execute("SELECT count(*) FROM auth_token").fetchone()[0])
