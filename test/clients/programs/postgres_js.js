// postgres.js: tagged templates, each prepared when it is first met; describes before it binds; cursors.

const postgres = require('postgres');
const { attempts, columns, epsilon, months, parameters, say, sayAnswers, sayColumns } = require('./common.js');

(async () => {
	const sql = postgres({ max: 1, connection: { 'dp_agg.epsilon': epsilon } });
	const [day, minutes, clinic] = parameters;

	sayColumns(await sql.unsafe(columns));
	for (let i = 0; i < 12; i++)
		sayAnswers(i, await sql`SELECT kind, count(*) AS n, avg(cost) AS mean FROM dp.visits
			WHERE day >= ${day} AND minutes < ${minutes} AND clinic <> ${clinic} GROUP BY kind ORDER BY kind`);
	say('generic', (await sql.unsafe('SELECT max(generic_plans) FROM pg_prepared_statements'))[0].max);

	let fetched = 0;

	await sql.unsafe(months).cursor(5, (rows) => { fetched += rows.length; });
	say('fetched', fetched);

	await attempts((text) => sql.unsafe(text));
	await sql.end();
})();
