# asyncpg: prepares every statement, reads all values in binary, and opens cursors of portals.

import asyncio
import asyncpg
from common import *


async def main():
	connection = await asyncpg.connect(server_settings={"dp_agg.epsilon": EPSILON})
	for table in {row["table_name"] for row in await connection.fetch(COLUMNS)}:
		say("table", table)
	# a query of rows is described, and only refused when it runs
	for attribute in (await connection.prepare("SELECT * FROM dp.visits")).get_attributes():
		say("column", attribute.name)

	for i in range(12):
		say_answers(i, await connection.fetch(release("$1", "$2", "$3"), DAY, MINUTES, CLINIC))
	say("generic", await connection.fetchval("SELECT max(generic_plans) FROM pg_prepared_statements"))

	fetched = 0
	async with connection.transaction():
		async for row in connection.cursor(MONTHS, prefetch=5):
			fetched += 1
	say("fetched", fetched)

	for sql in ATTEMPTS:
		try:
			say("allowed", await connection.fetchval(sql))
		except asyncpg.PostgresError as e:
			say("refused", e.sqlstate, e.message)
	await connection.close()


asyncio.run(main())
