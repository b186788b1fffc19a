# SQLAlchemy: reflects the table, builds the query from it, and streams results.

import os
from sqlalchemy import MetaData, Table, create_engine, func, inspect, select, text
from sqlalchemy.exc import DBAPIError
from common import *

engine = create_engine("postgresql+psycopg2:///" + os.environ["PGDATABASE"], connect_args={"options": OPTIONS})
inspector = inspect(engine)
for table in inspector.get_view_names(schema="dp"):
	say("table", table)
for column in inspector.get_columns("visits", schema="dp"):
	say("column", column["name"])

visits = Table("visits", MetaData(), schema="dp", autoload_with=engine)
query = (
	select(visits.c.kind, func.count(), func.avg(visits.c.cost))
	.where(visits.c.day >= DAY, visits.c.minutes < MINUTES, visits.c.clinic != CLINIC)
	.group_by(visits.c.kind)
	.order_by(visits.c.kind)
)
with engine.connect() as connection:
	for i in range(12):
		say_answers(i, connection.execute(query))
	rows = connection.execution_options(stream_results=True, max_row_buffer=5).execute(text(MONTHS))
	say("fetched", sum(1 for row in rows))


def execute(sql):
	with engine.begin() as connection:
		return connection.execute(text(sql)).scalar()


attempts(execute, lambda e: e.orig.pgcode, lambda e: str(e.orig).partition("\n")[0], DBAPIError)
