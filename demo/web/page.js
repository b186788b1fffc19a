// page.js
//	The page of `make demo-web`: sends questions, and draws answers with their intervals.
//
// Whatever comes from the server becomes text nodes, never markup.

'use strict';

const EXAMPLES = [
	['Graduates of each field', `SELECT field, count(*) AS graduates,
       dp_low(count(*)) AS graduates_low, dp_high(count(*)) AS graduates_high
FROM dp.education
GROUP BY field
ORDER BY graduates DESC`],
	['Income by degree', `SELECT e.degree, avg(t.income) AS income,
       dp_low(avg(t.income)) AS income_low, dp_high(avg(t.income)) AS income_high
FROM dp.tax t JOIN dp.education e ON e.person_id = t.person_id
WHERE t.year >= 2017 AND dp_with(max_rows => 24)
GROUP BY e.degree`],
	['How many of a rare field, and of a common one', `SELECT field, count(*) AS graduates,
       dp_low(count(*)) AS graduates_low, dp_high(count(*)) AS graduates_high
FROM dp.education
WHERE field IN ('Volcanology', 'Theology', 'Philosophy')
GROUP BY field`],
	['One person (refused)', 'SELECT * FROM dp.tax WHERE person_id = 42'],
	['What I have asked', 'SELECT id, epsilon, tier, outputs, query FROM dp_agg.my_releases ORDER BY id DESC'],
];
const SVG = 'http://www.w3.org/2000/svg';
const $ = id => document.getElementById(id);

function make(name, attributes = {}, ...children) {
	const node = name.startsWith('svg:') ? document.createElementNS(SVG, name.slice(4)) : document.createElement(name);
	for (const [key, value] of Object.entries(attributes)) {
		node.setAttribute(key, value);
	}
	node.append(...children.map(c => c instanceof Node ? c : String(c ?? '–')));
	return node;
}

const number = value => typeof value !== 'number' ? String(value ?? '–')
	: value !== 0 && Math.abs(value) < 0.001 ? String(Number(value.toPrecision(4)))
	: value.toLocaleString('en', { maximumFractionDigits: Math.abs(value) >= 1000 ? 0 : 4 });

async function post(path, body) {
	const response = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
	return response.json();
}

// ---------- parts ----------

function table(columns, rows) {
	const cell = value => make('td', typeof value === 'number' ? { class: 'n' } : {}, number(value));
	const numeric = columns.map((_, i) => rows.length > 0 && rows.every(row => row[i] === null || typeof row[i] === 'number'));
	return make('div', { class: 'scroll' }, make('table', {},
		make('thead', {}, make('tr', {}, ...columns.map((c, i) => make('th', numeric[i] ? { class: 'n', scope: 'col' } : { scope: 'col' }, c)))),
		make('tbody', {}, ...rows.map(row => make('tr', {}, ...row.map(cell))))));
}

const objects = list => list.length === 0 ? make('p', { class: 'soft' }, 'none')
	: table(Object.keys(list[0]), list.map(row => Object.values(row)));

function problem(answer) {
	return make('p', { class: 'bad' }, [`${answer.sqlstate ?? ''} ${answer.error}`.trim(), answer.detail, answer.hint].filter(Boolean).join('\n'));
}

function showBudget(list) {
	$('budget').replaceChildren(...list.map(b => make('div', {},
		make('svg:svg', { viewBox: '0 0 300 8', preserveAspectRatio: 'none', class: 'meter', role: 'img', 'aria-label': `${number(b.epsilon_spent)} of ${number(b.epsilon_limit)} spent` },
			make('svg:rect', { class: 'used', width: 300 * Math.min(1, b.epsilon_spent / b.epsilon_limit), height: 8 })),
		make('span', {}, make('b', { class: 'left' }, number(b.epsilon_remaining)), ` of epsilon ${number(b.epsilon_limit)} left for population `, make('b', {}, b.population)))));
}

function price(before, after) {
	return make('p', { class: 'price' }, ...after.map((a, i) => {
		const spent = a.epsilon_spent - (before[i]?.epsilon_spent ?? 0);
		return `It cost epsilon ${number(Number(spent.toFixed(9)))}: there were ${number(before[i]?.epsilon_remaining)}, there are ${number(a.epsilon_remaining)} left. `;
	}));
}

// Columns x that have x_low and x_high beside them, and those that say which group it is.
function intervals(columns) {
	const at = name => columns.indexOf(name);
	const values = columns.filter(c => at(`${c}_low`) >= 0 && at(`${c}_high`) >= 0);
	const taken = new Set(values.flatMap(c => [c, `${c}_low`, `${c}_high`]));
	return {
		values: values.map(name => ({ name, value: at(name), low: at(`${name}_low`), high: at(`${name}_high`) })),
		keys: columns.map((_, i) => i).filter(i => !taken.has(columns[i])),
	};
}

// bars: [{ label, value, low, high }], one below the other.
function chart(title, bars) {
	bars = bars.filter(b => [b.value, b.low, b.high].every(v => typeof v === 'number')).slice(0, 40);
	if (bars.length === 0) {
		return make('p', { class: 'soft' }, `There is no interval of ${title} to draw.`);
	}
	const least = Math.min(...bars.map(b => b.low)), most = Math.max(...bars.map(b => b.high));
	const x = v => 210 + 460 * (most > least ? (v - least) / (most - least) : 0.5);
	const height = 24 * bars.length + 30;
	const parts = bars.flatMap((b, i) => {
		const y = 24 * i + 14;
		return [
			make('svg:text', { x: 200, y: y + 4, 'text-anchor': 'end' }, b.label.length > 28 ? `${b.label.slice(0, 27)}…` : b.label),
			make('svg:path', { class: 'whisker', d: `M${x(b.low)} ${y - 5}v10M${x(b.low)} ${y}H${x(b.high)}M${x(b.high)} ${y - 5}v10` }),
			make('svg:circle', { class: 'dot', cx: x(b.value), cy: y, r: 4 }, make('svg:title', {}, `${b.label}: ${number(b.value)}, ${number(b.low)} to ${number(b.high)}`)),
			make('svg:text', { class: 'soft', x: 680, y: y + 4 }, `${number(b.value)} ± ${number((b.high - b.low) / 2)}`),
		];
	});
	return make('figure', {}, make('figcaption', {}, title), make('svg:svg', { viewBox: `0 0 860 ${height}`, role: 'img', 'aria-label': `${title}, with intervals, for ${bars.length} groups` },
		make('svg:path', { class: 'axis', d: `M210 ${height - 22}H670` }), ...parts,
		make('svg:text', { class: 'soft', x: 210, y: height - 6 }, number(least)),
		make('svg:text', { class: 'soft', x: 670, y: height - 6, 'text-anchor': 'end' }, number(most))));
}

const label = (row, keys) => keys.map(i => row[i] ?? '(none)').join(', ') || 'all';

// ---------- answers ----------

function showAnswer({ answer, before, after }) {
	if (answer.error) {
		return [make('h2', {}, 'Refused'), problem(answer), price(before, after)];
	}
	const { values, keys } = intervals(answer.columns);
	return [
		make('h2', {}, 'Answer'), price(before, after),
		...values.map(v => chart(v.name, answer.rows.map(row => ({ label: label(row, keys), value: row[v.value], low: row[v.low], high: row[v.high] })))),
		table(answer.columns, answer.rows),
		...(answer.cut ? [make('p', { class: 'soft' }, `The first ${answer.rows.length} rows.`)] : []),
		...(answer.outputs.length ? [make('h2', {}, 'How sharp it is'), objects(answer.outputs)] : []),
	];
}

function showSweep({ answers, before, after }) {
	const good = answers.filter(a => !a.error);
	const parts = [make('h2', {}, 'The same question, ever sharper'), price(before, after)];
	const { values, keys } = intervals(good[0]?.columns ?? []);
	const groups = [...new Set(good.flatMap(a => a.rows.map(row => label(row, keys))))].slice(0, 12);
	for (const v of values) {
		const found = group => good.map(a => ({ epsilon: a.epsilon, row: a.rows.find(row => label(row, keys) === group) }));
		parts.push(table([`${v.name} at epsilon`, ...good.map(a => String(a.epsilon))], groups.map(group => [group, ...found(group).map(f => f.row
			? `${number(f.row[v.value])} (${number(f.row[v.low])} to ${number(f.row[v.high])})` : 'not shown')])));
		for (const group of groups.slice(0, 6)) {
			parts.push(chart(`${group}: ${v.name}`, found(group).filter(f => f.row)
				.map(f => ({ label: `epsilon ${f.epsilon}`, value: f.row[v.value], low: f.row[v.low], high: f.row[v.high] }))));
		}
	}
	if (values.length > 0) {
		parts.push(make('p', { class: 'soft' }, 'Not shown: too few people to be shown at this price.'));
	} else {
		parts.push(...good.flatMap(a => [make('h2', {}, `Epsilon ${a.epsilon}`), table(a.columns, a.rows)]));
	}
	parts.push(...answers.filter(a => a.error).flatMap(a => [make('h2', {}, `Refused at epsilon ${a.epsilon}`), problem(a)]));
	return parts;
}

// Numbers in a table, and sentences below it.
function showEstimate(found) {
	if (found.missing) {
		return [make('p', {}, `The price is the epsilon that you chose, ${number(Number($('epsilon').value))}, whatever the question computes.`)];
	}
	if (found.error) {
		return [problem(found)];
	}
	const columns = ['item', 'name', 'epsilon', 'epsilon_left', 'standard_error', 'rank_error', 'smallest_group']
		.filter(c => found.estimate.some(row => (row[c] ?? null) !== null));
	const said = found.estimate.flatMap(row => ['limits', 'bounds', 'advice'].filter(c => row[c]).map(c => make('li', {}, make('b', {}, `${row.name}, ${c}: `), row[c])));
	return [
		make('h2', {}, 'What it would cost, and how sharp it would be'),
		table(columns, found.estimate.map(row => columns.map(c => row[c] ?? null))),
		...(said.length ? [make('ul', {}, ...said)] : []),
	];
}

// ---------- the form ----------

async function run(path, show) {
	const buttons = [...document.querySelectorAll('button')];
	buttons.forEach(b => { b.disabled = true; });
	$('result').setAttribute('aria-busy', 'true');
	try {
		const found = await post(path, { sql: $('sql').value, epsilon: Number($('epsilon').value) });
		$('result').replaceChildren(...(found.error && !found.answer ? [problem(found)] : show(found)));
		if (found.after) {
			showBudget(found.after);
		}
	} catch (error) {
		$('result').replaceChildren(make('p', { class: 'bad' }, `The server does not answer: ${error.message}`));
	}
	$('result').removeAttribute('aria-busy');
	buttons.forEach(b => { b.disabled = false; });
}

$('example').append(...EXAMPLES.map(([name], i) => make('option', { value: i }, name)));
$('example').addEventListener('change', () => { $('sql').value = EXAMPLES[$('example').value][1]; });
$('sql').value = EXAMPLES[0][1];
$('form').addEventListener('submit', event => { event.preventDefault(); run('/ask', showAnswer); });
$('sweep').addEventListener('click', () => run('/sweep', showSweep));
$('estimate').addEventListener('click', () => run('/estimate', showEstimate));
post('/budget', {}).then(found => showBudget(found.budget));
