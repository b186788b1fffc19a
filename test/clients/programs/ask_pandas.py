# pandas: data frames of releases, whole and in chunks, by SQLAlchemy.

import os
import pandas
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from common import *

engine = create_engine("postgresql+psycopg2:///" + os.environ["PGDATABASE"], connect_args={"options": OPTIONS})
with engine.connect() as connection:
	say_columns(pandas.read_sql(text(COLUMNS), connection).itertuples(index=False))
	for i in range(12):
		frame = pandas.read_sql(text(release(":day", ":minutes", ":clinic")), connection,
			params={"day": DAY, "minutes": MINUTES, "clinic": CLINIC})
		assert list(frame.columns) == ["kind", "n", "mean"] and frame["n"].dtype == "int64", frame.dtypes
		say_answers(i, frame.itertuples(index=False))
	streamed = connection.execution_options(stream_results=True, max_row_buffer=5)
	say("fetched", sum(len(chunk) for chunk in pandas.read_sql(text(MONTHS), streamed, chunksize=5)))


def execute(sql):
	with engine.begin() as connection:
		return pandas.read_sql(text(sql), connection).iat[0, 0]


attempts(execute, lambda e: e.orig.pgcode, lambda e: str(e.orig).partition("\n")[0], DBAPIError)
