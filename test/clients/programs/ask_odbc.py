# psqlODBC by pyodbc: the catalog functions of ODBC, SQLPrepare, a cursor declared by the driver.

import glob
import os
import pyodbc
from common import *

env = os.environ
driver = glob.glob("/usr/lib/*/odbc/psqlodbcw.so")[0]
connection = pyodbc.connect(
	f"Driver={driver};Servername={env['PGHOST']};Port={env['PGPORT']};Database={env['PGDATABASE']};"
	f"UID={env['PGUSER']};PWD={env['PGPASSWORD']};UseServerSidePrepare=1;UseDeclareFetch=1;Fetch=5;"
	f"ConnSettings=SET dp_agg.epsilon = {EPSILON}", autocommit=False)
cursor = connection.cursor()
for row in cursor.tables(schema="dp"):
	say("table", row.table_name)
for row in cursor.columns(table="visits", schema="dp"):
	say("column", row.column_name)
connection.commit()

for i in range(12):
	cursor.execute(release("?", "?", "?"), DAY, MINUTES, CLINIC)
	say_answers(i, cursor.fetchall())
connection.commit()

cursor.execute(MONTHS)
say("fetched", sum(1 for row in cursor))
connection.commit()


def execute(sql):
	try:
		return connection.execute(sql).fetchone()[0]
	finally:
		connection.rollback()


attempts(execute, lambda e: e.args[0], lambda e: e.args[1], pyodbc.Error)
