# pgbouncer, pooling by transaction: two clients share one session of the server, settings hold for a transaction.

import psycopg2
from common import *

first, second = psycopg2.connect(""), psycopg2.connect("")


def ask(connection, sql, parameters=None):
	with connection, connection.cursor() as cursor:
		cursor.execute(sql, parameters)
		return cursor.fetchall()


say_columns(ask(first, COLUMNS))
sessions = set()
for i in range(12):
	connection = (first, second)[i % 2]
	say_answers(i, ask(connection, release(), (DAY, MINUTES, CLINIC)))
	sessions.add(ask(connection, "SELECT pg_backend_pid()")[0][0])
say("sessions", len(sessions))

with first, first.cursor() as cursor:
	cursor.execute("SET LOCAL dp_agg.epsilon = 0.5")
	cursor.execute("SHOW dp_agg.epsilon")
	say("local", cursor.fetchone()[0])
say("afterwards", ask(second, "SHOW dp_agg.epsilon")[0][0])

with first, first.cursor(name="months") as months:
	months.itersize = 5
	months.execute(MONTHS)
	say("fetched", sum(1 for row in months))

attempts(lambda sql: ask(second, sql)[0][0], lambda e: e.pgcode, lambda e: e.diag.message_primary, psycopg2.Error)
