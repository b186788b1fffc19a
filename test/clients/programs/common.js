// What the programs for node have in common: what they ask, and how they tell.

exports.parameters = ['2023-06-01', 60, 'West'];
exports.epsilon = process.env.EPSILON;
exports.months = process.env.MONTHS;
exports.release = `SELECT kind, count(*) AS n, avg(cost) AS mean FROM dp.visits
	WHERE day >= $1 AND minutes < $2 AND clinic <> $3 GROUP BY kind ORDER BY kind`;
exports.columns = `SELECT table_name, column_name FROM information_schema.columns
	WHERE table_schema = 'dp' ORDER BY table_name, ordinal_position`;

const say = (...fields) => console.log(fields.join('\t'));
exports.say = say;

exports.sayColumns = (rows) => {
	new Set(rows.map((row) => row.table_name)).forEach((table) => say('table', table));
	rows.filter((row) => row.table_name === 'visits').forEach((row) => say('column', row.column_name));
};

exports.sayAnswers = (number, rows) => rows.forEach((row) => say('answer', number, row.kind, row.n, row.mean));

// Tries each statement: execute(SQL) resolves to its rows.
exports.attempts = async (execute) => {
	for (const sql of process.env.ATTEMPTS.split('\n')) {
		try {
			say('allowed', Object.values((await execute(sql))[0])[0]);
		} catch (e) {
			say('refused', e.code, e.message);
		}
	}
};
