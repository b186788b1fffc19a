# speed_data.pm
#	The tables of speed.pl; need() makes those that a measurement asks for.
#
# ROWS is the number of rows of "records", ROWS / 5 that of the people in it.
# Rows lie in random order.  Of the 100 regions the largest has a fifth of the
# rows, the smallest one in 300; half of a person's records are in the region
# where it lives, so that many are in more groups, and have more rows in one,
# than a release lets count.

package speed_data;

use strict;
use warnings;
use Exporter 'import';
use speed;

our @EXPORT = qw(prepare need people rows);

my $records = $ENV{ROWS} || 5_000_000;
my $limits = 'max_groups => 3, max_rows => 2';

# Of the people in "people", "members" and the tables of records, of "large".
sub people { return int($records / 5); }
sub rows { return $records; }

my %definition = (
	people => <<'SQL',
CREATE TABLE people (person_id int NOT NULL, region int NOT NULL, age int NOT NULL,
	income float8 NOT NULL, income_n numeric(12,2) NOT NULL);
INSERT INTO people
SELECT i, region, age, income, income
FROM (SELECT i, bench.region() AS region, 18 + floor(70 * random())::int AS age, bench.income() AS income
	FROM generate_series(1, :people) i OFFSET 0) p
ORDER BY random();
ALTER TABLE people ADD PRIMARY KEY (person_id);
SQL
	members => <<'SQL',
CREATE TABLE members (person_id int PRIMARY KEY, plan text NOT NULL, status int NOT NULL);
INSERT INTO members
SELECT i, (ARRAY['basic', 'family', 'premium', 'student'])[1 + floor(4 * random())], floor(3 * random())
FROM generate_series(1, :people) i
ORDER BY random();
SQL
	records => <<'SQL',
CREATE TABLE records (person_id int NOT NULL, region int NOT NULL, age int NOT NULL,
	income float8 NOT NULL, income_n numeric(12,2) NOT NULL);
INSERT INTO records
SELECT i, CASE WHEN random() < 0.5 THEN home ELSE bench.region() END, 18 + floor(70 * random()), income, income
FROM (SELECT i, home, bench.income() AS income
	FROM (SELECT i, bench.region() AS home FROM generate_series(1, :people) i OFFSET 0) p, generate_series(1, 5)
	OFFSET 0) r
ORDER BY random();
SQL
	text_records => <<'SQL',
CREATE TABLE text_records (person_key text NOT NULL, region int NOT NULL, sector text NOT NULL, income float8 NOT NULL);
INSERT INTO text_records
SELECT 'P' || lpad(person_id::text, 9, '0'), region,
	(ARRAY['building', 'care', 'farming', 'food', 'mining', 'public', 'retail', 'teaching', 'textiles', 'transport'])
		[1 + floor(10 * random())], income
FROM records;
SQL
	# Two rows per person, four times as many rows as there are in records.
	large => <<'SQL',
CREATE TABLE large (person_id int NOT NULL, region int NOT NULL, ward int NOT NULL, street int NOT NULL,
	income float8 NOT NULL);
INSERT INTO large
SELECT i, CASE WHEN random() < 0.5 THEN home ELSE bench.region() END, floor(1000 * random()), floor(100000 * random()),
	bench.income()
FROM (SELECT i, bench.region() AS home FROM generate_series(1, 10 * :people) i OFFSET 0) p, generate_series(1, 2)
ORDER BY random();
SQL
	large_4th => <<'SQL',
CREATE TABLE large_4th AS SELECT * FROM large WHERE person_id <= 10 * :people / 4;
SQL
	large_20th => <<'SQL',
CREATE TABLE large_20th AS SELECT * FROM large WHERE person_id <= 10 * :people / 20;
SQL
	# Texts of 2 to 6 kB, which do not compress.
	texts => <<'SQL',
CREATE TABLE texts (person_id int PRIMARY KEY, region int NOT NULL, body text NOT NULL);
INSERT INTO texts
SELECT i, bench.region(), (SELECT string_agg(md5(i || ' ' || j), '') FROM generate_series(1, 64 + i % 128) j)
FROM generate_series(1, :people / 10) i;
SQL
	# Five rows per person, in the order of 1,000 days, as they would have come in.
	dated => <<'SQL',
CREATE TABLE dated (person_id int NOT NULL, day int NOT NULL, income float8 NOT NULL);
INSERT INTO dated
SELECT 1 + floor(:people * random()), day, bench.income() FROM generate_series(1, 1000) day, generate_series(1, :people / 200);
CREATE INDEX dated_day ON dated (day);
SQL
	# A star: 40 sales for each of a few buyers, who live in nations; what is sold is in products.
	buyers => <<'SQL',
CREATE TABLE buyers (person_id int PRIMARY KEY, nation int NOT NULL);
INSERT INTO buyers SELECT i, floor(25 * random()) FROM generate_series(1, :people * 15 / 100) i ORDER BY random();
SQL
	sales => <<'SQL',
CREATE TABLE sales (person_id int NOT NULL, product int NOT NULL, income float8 NOT NULL);
INSERT INTO sales
SELECT 1 + floor(random() * (:people * 15 / 100)), 1 + floor(random() * :people), bench.income()
FROM generate_series(1, 6 * :people) i;
SQL
	nations => <<'SQL',
CREATE TABLE nations (nation int PRIMARY KEY, name text NOT NULL);
INSERT INTO nations SELECT i, 'nation ' || i FROM generate_series(0, 24) i;
SQL
	products => <<'SQL',
CREATE TABLE products (product int PRIMARY KEY, brand text NOT NULL, size int NOT NULL);
INSERT INTO products SELECT i, 'brand ' || floor(25 * random()), floor(50 * random()) FROM generate_series(1, :people) i ORDER BY random();
SQL
	thousand => <<'SQL',
CREATE TABLE thousand AS
SELECT i AS person_id, 1 + i % 10 AS region, 18 + i % 70 AS age, bench.income() AS income FROM generate_series(1, 1000) i;
ALTER TABLE thousand ADD PRIMARY KEY (person_id), ALTER region SET NOT NULL, ALTER income SET NOT NULL;
SQL
);
my %parents = (text_records => 'records', large_4th => 'large', large_20th => 'large');
my %unit = (text_records => 'person_key');
my %more = (dated => q{, index_columns => '{day}'});
my %unique = map { $_ => 1 } qw(people members thousand texts buyers);
my %public = map { $_ => 1 } qw(nations products);
my %limits = (sales => 'max_groups => 5, max_rows => 20');

# Functions for the data and the analyst.
sub prepare
{
	sql(<<'SQL');
CREATE EXTENSION IF NOT EXISTS dp_agg;
CREATE EXTENSION IF NOT EXISTS pg_prewarm;
SELECT 'CREATE ROLE analyst LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'analyst') \gexec
CREATE SCHEMA IF NOT EXISTS bench;
CREATE OR REPLACE FUNCTION bench.region() RETURNS int LANGUAGE sql
AS 'SELECT 1 + floor(100 * random() ^ 3)::int';
CREATE OR REPLACE FUNCTION bench.income() RETURNS float8 LANGUAGE sql
AS 'SELECT exp(10.4 + 0.6 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()))';
SQL
	return;
}

sub make
{
	my ($table) = @_;
	my $unit = $unit{$table} // 'person_id';
	my $limits_here = ($unique{$table} ? '' : ', ' . ($limits{$table} // $limits)) . ($more{$table} // '');
	my $made = "SET work_mem = '1GB'; SET maintenance_work_mem = '1GB'; SELECT setseed(0.5);\n" .
	  ($definition{$table} =~ s/:people\b/people()/ger);

	if ($public{$table})
	{
		sql("$made GRANT SELECT ON $table TO PUBLIC; VACUUM ANALYZE $table; CHECKPOINT;");
		return;
	}
	sql($made . <<"SQL");
SELECT dp_agg.protect('$table', unit => '$unit', population => 'people'$limits_here);
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e9, delta => 0.9);
SELECT dp_agg.set_bounds(attrelid::regclass, attname, 0, CASE attname WHEN 'age' THEN 120 ELSE 500000 END)
FROM pg_attribute WHERE attrelid = '$table'::regclass AND attname IN ('age', 'income', 'income_n');
SELECT dp_agg.set_bounds(attrelid::regclass, attname, 1, CASE attname WHEN 'day' THEN 1000 ELSE 100 END)
FROM pg_attribute WHERE attrelid = '$table'::regclass AND attname IN ('region', 'day');
VACUUM ANALYZE $table;
CHECKPOINT;
SQL
	return;
}

# Makes tables that are not there yet, and has them in shared buffers.
sub need
{
	foreach my $table (@_)
	{
		if (value("SELECT to_regclass('$table')") eq '')
		{
			need($parents{$table}) if $parents{$table};
			progress("making $table");
			locked(sub { make($table) });
		}
		sql("SELECT pg_prewarm('$table')");
		sql("SELECT pg_prewarm(oid) FROM pg_class WHERE oid = (SELECT reltoastrelid FROM pg_class WHERE oid = '$table'::regclass)");
	}
	return;
}

1;
