// knex: its builder of queries, columnInfo(), and a stream.

const { attempts, epsilon, months, parameters, say, sayAnswers } = require('./common.js');
const knex = require('knex')({ client: 'pg', connection: { options: `-c dp_agg.epsilon=${epsilon}` }, pool: { min: 1, max: 1 } });

(async () => {
	const [day, minutes, clinic] = parameters;
	const views = await knex('information_schema.views').where({ table_schema: 'dp' }).orderBy('table_name');

	views.forEach((view) => say('table', view.table_name));
	Object.keys(await knex('visits').withSchema('dp').columnInfo()).forEach((column) => say('column', column));

	for (let i = 0; i < 12; i++)
		sayAnswers(i, await knex('dp.visits').select('kind').count('* as n').avg('cost as mean')
			.where('day', '>=', day).where('minutes', '<', minutes).whereNot('clinic', clinic).groupBy('kind').orderBy('kind'));

	let fetched = 0;

	for await (const row of knex.raw(months).stream({ batchSize: 5 }))
		fetched++;
	say('fetched', fetched);

	await attempts(async (sql) => (await knex.raw(sql)).rows);
	await knex.destroy();
})();
