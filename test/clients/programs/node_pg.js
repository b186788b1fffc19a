// node-postgres: a named statement, which the server keeps, and pg-cursor.

const { Client } = require('pg');
const Cursor = require('pg-cursor');
const { attempts, columns, epsilon, months, parameters, release, say, sayAnswers, sayColumns } = require('./common.js');

(async () => {
	const client = new Client({ options: `-c dp_agg.epsilon=${epsilon}` });

	await client.connect();
	sayColumns((await client.query(columns)).rows);
	for (let i = 0; i < 12; i++)
		sayAnswers(i, (await client.query({ name: 'release', text: release, values: parameters })).rows);
	say('generic', (await client.query('SELECT max(generic_plans) FROM pg_prepared_statements')).rows[0].max);

	const cursor = client.query(new Cursor(months));
	let fetched = 0;

	for (let rows = await cursor.read(5); rows.length > 0; rows = await cursor.read(5))
		fetched += rows.length;
	await cursor.close();
	say('fetched', fetched);

	await attempts(async (sql) => (await client.query(sql)).rows);
	await client.end();
})();
