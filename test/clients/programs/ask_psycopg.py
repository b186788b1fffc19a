# psycopg 3: prepares on the server from the sixth execution on, by itself; binary results; a cursor.

import psycopg
from common import *

connection = psycopg.connect(options=OPTIONS)
say_columns(connection.execute(COLUMNS).fetchall())

for i in range(12):
	# the types are those of Python's values: a date, a smallint, a text
	say_answers(i, connection.execute(release(), (DAY, MINUTES, CLINIC), binary=True, prepare=True).fetchall())
say("generic", connection.execute("SELECT max(generic_plans) FROM pg_prepared_statements").fetchone()[0])
connection.commit()

with connection.cursor(name="months") as months:
	months.itersize = 5
	months.execute(MONTHS)
	say("fetched", sum(1 for row in months))
connection.commit()


def execute(sql):
	with connection.transaction():
		return connection.execute(sql).fetchone()[0]


attempts(execute, lambda e: e.sqlstate, lambda e: e.diag.message_primary, psycopg.Error)
