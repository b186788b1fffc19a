# What the programs in Python have in common: what they ask, and how they tell.

import datetime
import os

DAY = datetime.date(2023, 6, 1)
MINUTES = 60
CLINIC = "West"
EPSILON = os.environ["EPSILON"]
OPTIONS = f"-c dp_agg.epsilon={EPSILON}"
MONTHS = os.environ["MONTHS"]
ATTEMPTS = os.environ["ATTEMPTS"].split("\n")
COLUMNS = """SELECT table_name, column_name FROM information_schema.columns
	WHERE table_schema = 'dp' ORDER BY table_name, ordinal_position"""


def release(first="%s", second="%s", third="%s", table="dp.visits"):
	"""The release with parameters, by the driver's placeholders."""
	return f"""SELECT kind, count(*) AS n, avg(cost) AS mean FROM {table}
		WHERE day >= {first} AND minutes < {second} AND clinic <> {third} GROUP BY kind ORDER BY kind"""


def say(*fields):
	print(*fields, sep="\t", flush=True)


def say_columns(rows):
	"""Of rows of COLUMNS: tables and the columns of visits."""
	rows = list(rows)
	for table in sorted({row[0] for row in rows}):
		say("table", table)
	for table, column in rows:
		if table == "visits":
			say("column", column)


def say_answers(number, rows):
	for kind, n, mean in rows:
		say("answer", number, kind, n, float(mean))


def attempts(execute, state, message, error):
	"""Tries each statement: execute(SQL) returns a value, state and message are read off an error."""
	for sql in ATTEMPTS:
		try:
			say("allowed", execute(sql))
		except error as e:
			say("refused", state(e), " ".join(message(e).split()))
