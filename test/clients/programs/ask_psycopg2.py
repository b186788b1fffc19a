# psycopg2: parameters go into the text of the statement; a named cursor; diagnostics.

import psycopg2
from common import *

connection = psycopg2.connect(options=OPTIONS)
cursor = connection.cursor()
cursor.execute(COLUMNS)
say_columns(cursor.fetchall())

for i in range(12):
	cursor.execute(release(), (DAY, MINUTES, CLINIC))
	say_answers(i, cursor.fetchall())
connection.commit()

with connection.cursor(name="months") as months:
	months.itersize = 5
	months.execute(MONTHS)
	say("fetched", sum(1 for row in months))
connection.commit()


def execute(sql):
	with connection, connection.cursor() as attempt:
		attempt.execute(sql)
		return attempt.fetchone()[0]


attempts(execute, lambda e: e.pgcode, lambda e: e.diag.message_primary, psycopg2.Error)
