# Risk tiers: what the ledger, dp_agg.last_release() and dp_tier(*) say of a release, by how it is
# sent, what it costs, how many people it covers and what is declared; in English and Chinese. An
# analyst sets none of that. The rules themselves are in test/unit/test_tier.c.

use strict;
use warnings;
use File::Path qw(make_path);
use Test::More;
use DpAgg;
use PostgreSQL::Test::Utils;

# A locale in Chinese, made for this test: the system need not have one.
my $locales = PostgreSQL::Test::Utils::tempdir() . '/locales';
make_path($locales);
my $has_chinese = system("localedef -i zh_CN -f UTF-8 '$locales/zh_CN.UTF-8' >/dev/null 2>&1") == 0;
local $ENV{LOCPATH} = $locales if $has_chinese;

my $node = DpAgg::node('tiers', conf => "listen_addresses = '127.0.0.1'\n");
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
my %sent = (
	socket => $node->connstr('postgres'),
	tcp => 'host=127.0.0.1 port=' . $node->port . ' dbname=postgres sslmode=disable gssencmode=disable',
	ssl => 'host=127.0.0.1 port=' . $node->port . ' dbname=postgres sslmode=require gssencmode=disable');

sub query
{
	return $node->safe_psql('postgres', $_[0]);
}

# Runs SQL over one of the connections; the output, or the test dies.
sub over
{
	my ($how, $sql, $role) = @_;
	my $r = DpAgg::as($node, $role // 'analyst', $sql, connstr => "$sent{$how} user=" . ($role // 'analyst'));

	die "over $how: $sql\n$r->{err}" unless $r->{ok};
	return $r->{out};
}

# The administrator's settings, until the next call; '' for none.
sub settings
{
	my (%value) = @_;

	$node->safe_psql('postgres', "ALTER SYSTEM RESET ALL");
	$node->safe_psql('postgres', "ALTER SYSTEM SET dp_agg.$_ = '$value{$_}'") foreach keys %value;
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('dp_agg.$_') = '$value{$_}'") or die $_ foreach keys %value;
	$node->poll_query_until('postgres', "SELECT bool_and(setting = boot_val) FROM pg_settings WHERE name ~ '^dp_agg\\.(tier|plain|declared)'") or die
	  if !%value;
	return;
}

my $tier_of = q{tier || ' ' || array_to_string(tier_codes, ' ')};
my $said = <<"SQL";
SELECT 'last ' || $tier_of FROM dp_agg.last_release() LIMIT 1;
SELECT 'mine ' || $tier_of FROM dp_agg.my_releases ORDER BY id DESC LIMIT 1;
SQL

# A release over a connection: its tier and codes everywhere, and what dp_tier(*) says of its row.
sub tier_is
{
	my ($what, $how, $codes, $tier, $row, $sql) = @_;
	my $all = join ' ', $tier, 'result.statistic', split ' ', $codes;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	is(over($how, ($sql // 'SELECT dp_tier(*) FROM visits') . ";\n$said"), "$row\nlast $all\nmine $all", $what);
	is(query("SELECT $tier_of FROM dp_agg.releases ORDER BY id DESC LIMIT 1"), $all, "$what: and to the auditor");
	return;
}

DpAgg::visits($node, epsilon => 1e6);
$node->safe_psql('postgres', 'ALTER SYSTEM SET dp_agg.tier_lifetime_epsilon = 0');
$node->safe_psql('postgres', "SELECT dp_agg.set_budget('analyst', 'patients', epsilon => 1e6, delta => 0.1)");
$node->reload;
# what the cases below do not speak of
my @rest = (tier_lifetime_epsilon => 0);
settings(@rest);

# ---------- how it is sent ----------

tier_is('a local socket', 'socket', 'computation.central transmission.local scale.unknown', 'low', 'low');
tier_is('TCP in the clear', 'tcp', 'computation.central transmission.plain scale.unknown', 'medium', 'medium');
settings(@rest, plain_transmission => 'high');
tier_is('TCP in the clear, set to high', 'tcp', 'computation.central transmission.plain_high scale.unknown', 'high', 'high');
tier_is('a local socket all the same', 'socket', 'computation.central transmission.local scale.unknown', 'low', 'low');
settings(@rest);

SKIP:
{
	my $dir = $node->data_dir;
	skip 'no openssl here', 5
	  if system("openssl req -new -x509 -days 2 -nodes -subj /CN=test -out '$dir/server.crt' -keyout '$dir/server.key' >/dev/null 2>&1") != 0;
	chmod 0600, "$dir/server.key";
	$node->append_conf('postgresql.conf', "ssl = on\n");
	$node->restart;
	is(over('ssl', 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'), 't', 'SSL is in use');
	tier_is('SSL', 'ssl', 'computation.central transmission.encrypted scale.unknown', 'low', 'low');
	tier_is('a server that could, and a client that does not', 'tcp', 'computation.central transmission.plain scale.unknown', 'medium', 'medium');
}

# ---------- where, how much, how many ----------

settings(@rest, declared_environment => 'trusted');
tier_is('a declared environment', 'socket', 'computation.central computation.trusted_declared transmission.local scale.unknown', 'low', 'low');
tier_is('which a connection in the clear undoes', 'tcp', 'computation.central computation.trusted_declared transmission.plain scale.unknown', 'medium', 'medium');
like(over('socket', 'SELECT array_to_string(tier_reasons, $$ $$) FROM dp_agg.my_releases ORDER BY id DESC LIMIT 1'), qr/has declared .*not verified/, 'and its reason says that it is declared');
settings(@rest);

my $local = 'computation.central transmission.local';
my $plain = 'computation.central transmission.plain';
my $priced = sub { return "SELECT dp_tier(*) FROM visits WHERE dp_with(epsilon => $_[0])" };
tier_is('epsilon 5', 'socket', "$local scale.unknown", 'low', 'low', $priced->(5));
tier_is('a little more', 'socket', "$local scale.unknown epsilon.large", 'medium', 'medium', $priced->('5.000000001'));
tier_is('more, in the clear', 'tcp', "$plain scale.unknown epsilon.large", 'high', 'high', $priced->(6));
settings(@rest, tier_epsilon => '0.5');
tier_is('less, with another limit', 'socket', "$local scale.unknown epsilon.large", 'medium', 'medium', $priced->('0.6'));
settings(@rest, tier_epsilon => 0);
tier_is('without a limit', 'socket', "$local scale.unknown", 'low', 'low', $priced->(100));
settings(@rest);

query("SELECT dp_agg.set_population_size('patients', 999999)");
tier_is('a declared size', 'socket', $local, 'low', 'low');
query("SELECT dp_agg.set_population_size('patients', 1000000)");
tier_is('a large one: of a thousand people the row is none the riskier', 'socket', "$local scale.large", 'medium', 'low');
tier_is('a row without a released number is as the population', 'socket', "$local scale.large", 'medium', "medium", 'SELECT dp_tier(*) FROM (SELECT dp_mode(clinic), dp_tier(*) FROM visits) v (m, dp_tier)' =~ s/SELECT dp_tier\(\*\) FROM/SELECT dp_tier FROM/r);
tier_is('and in the clear', 'tcp', "$plain scale.large", 'high', 'medium');
settings(@rest, tier_scale => 0);
tier_is('scale that never raises', 'socket', $local, 'low', 'low');
settings(@rest, tier_scale => 500);
query("SELECT dp_agg.set_population_size('patients', 1000)");
tier_is('many, by the released number', 'socket', "$local scale.large", 'medium', 'medium', $priced->(5));
is(over('socket', q{SELECT string_agg(clinic || ' ' || t, ',' ORDER BY clinic) FROM (SELECT clinic, dp_tier(*) AS t FROM visits WHERE dp_with(epsilon => 5) GROUP BY clinic) v}),
	'clinic 0 low,clinic 1 low,clinic 2 low,clinic 3 low', 'groups of half as many are not');
{
	# the true number is 1005; what decides is the one that is released with it, or could be
	settings(@rest, tier_scale => 1000);
	my $drawn = over('socket', join ";\n", ("SELECT dp_tier(*), dp_count_distinct(patient_id) >= 1000 FROM visits WHERE dp_with(epsilon => 0.05)") x 60);
	like($drawn, qr/^medium\|t$/m, 'a number near the limit: above it, now and then');
	like($drawn, qr/^low\|f$/m, '... and below');
	unlike($drawn, qr/^(?:medium\|f|low\|t|\|.*)$/m, 'a tier tells nothing that the released number does not tell');
	settings(@rest, tier_scale => 500);
}
query("SELECT dp_agg.set_population_size('patients', NULL)");
tier_is('what is taken back is unknown', 'socket', "$local scale.unknown", 'low', 'medium', $priced->(5));
settings(@rest);

# ---------- the size of a population ----------

{
	my $sizes = q{SELECT string_agg(relation || ' ' || coalesce(individuals::text, '-'), ',' ORDER BY relation::text) FROM dp_agg.protected_relations};
	query(<<'SQL');
CREATE TABLE letters (patient_id int, body text);
CREATE TABLE strangers (id int);
SELECT dp_agg.set_population_size('patients', 5000000);
SELECT dp_agg.protect('letters', 'patient_id', 'patients'), dp_agg.protect('strangers', 'id', 'others');
SQL
	is(query($sizes), 'letters 5000000,strangers -,visits 5000000', 'a relation that is protected later takes the size over');
	query("SELECT dp_agg.protect('visits', 'patient_id', 'patients', max_groups => 4, max_rows => 10)");
	is(query($sizes), 'letters 5000000,strangers -,visits 5000000', 'protecting again keeps it');
	is(query("SELECT bounds -> 'cost' FROM dp_agg.protected_relations WHERE relation = 'visits'::regclass"), '[0, 5000]', 'and the bounds');
	query("SELECT dp_agg.set_population_size('patients', 1)");
	is(query($sizes), 'letters 1,strangers -,visits 1', 'it is of all relations of the population, and of no other');
	query("SELECT dp_agg.set_population_size('patients', NULL)");
	DpAgg::refused($node, $superuser, "SELECT dp_agg.set_population_size($_->[0])", $_->[1])
	  foreach [ "'nobody', 5", '42704' ], [ "'patients', 0", '22023' ], [ "'patients', -1", '22023' ], [ "'patients', 1000000000001", '22023' ], [ 'NULL, 1', '22004' ];
	DpAgg::refused($node, $superuser, "SECURITY LABEL FOR dp_agg ON TABLE strangers IS '{\"population\": \"others\", \"individuals\": $_}'", '22023', "a label with $_ individuals")
	  foreach qw(0 -1 1.5 2000000000000 "many");
	DpAgg::refused($node, 'analyst', "SELECT dp_agg.set_population_size('patients', 5)", '42501');
	query('GRANT EXECUTE ON FUNCTION dp_agg.set_population_size(name, bigint) TO analyst');
	DpAgg::refused($node, 'analyst', "SELECT dp_agg.set_population_size('patients', 5)", '42501', 'EXECUTE alone does not do');
	query('REVOKE EXECUTE ON FUNCTION dp_agg.set_population_size(name, bigint) FROM analyst; DROP TABLE letters, strangers CASCADE');
}

# ---------- what is spent in a lifetime ----------

query(q{CREATE ROLE spender LOGIN; SELECT dp_agg.set_budget('spender', 'patients', epsilon => 20, delta => 0.1)});
settings(tier_lifetime_epsilon => 3);
{
	my $ask = sub { return over('socket', "SELECT dp_tier(*) FROM visits;\n$said", 'spender') };
	my $low = "low\nlast low result.statistic $local scale.unknown\nmine low result.statistic $local scale.unknown";

	is($ask->(), $low, "release $_ of a lifetime") foreach 1 .. 3;
	is($ask->(), $low =~ s/low (?=result)/medium /gr =~ s/^low/medium/r =~ s/unknown$/unknown lifetime.large/gmr, 'the one that exceeds what is set is raised');
	query(q{SELECT dp_agg.set_budget('spender', 'patients', epsilon => 20, delta => 0.1, period => '1 day')});
	like($ask->(), qr/^medium\n/, 'and those after it');
	settings(@rest);
	is($ask->(), $low, 'unless that never raises');
}

# ---------- plans that are kept ----------

{
	my $session = $node->background_psql('postgres', extra_params => [ '-U', 'analyst' ]);
	my $tier = sub { return DpAgg::ask($session, "EXECUTE kept") };

	$session->query('SET plan_cache_mode = force_generic_plan');
	$session->query('PREPARE kept AS SELECT dp_tier(*) FROM visits WHERE dp_with(epsilon => 2)');
	is($tier->(), 'low', 'a plan that is kept');
	settings(@rest, tier_epsilon => 1);
	is($tier->(), 'medium', 'is judged by the settings of now');
	query("SELECT dp_agg.set_population_size('patients', 30)");
	settings(@rest, tier_epsilon => 1, tier_scale => 30);
	is($tier->(), 'high', '... each time');
	settings(@rest);
	query("SELECT dp_agg.set_population_size('patients', NULL)");
	is($tier->(), 'low', '... and back');
	$session->quit;
}

# ---------- where dp_tier(*) may stand ----------

my $names = sub { return join ',', map { "clinic $_" } 0 .. 3 };
is(over('socket', 'SELECT string_agg(clinic, $$,$$ ORDER BY clinic) FROM (SELECT clinic, dp_tier(*) FROM visits GROUP BY clinic) v'), $names->(), 'a release of keys alone: what passes the gate');
is(over('socket', q{SELECT string_agg(clinic, ',' ORDER BY clinic) FROM (SELECT clinic FROM visits GROUP BY clinic HAVING dp_tier(*) = 'low' ORDER BY dp_tier(*)) v}), $names->(), 'in HAVING and ORDER BY');
is(over('socket', q{SELECT count(*) FROM (SELECT clinic FROM visits GROUP BY clinic HAVING dp_tier(*) <> 'low') v}), 0, 'and HAVING that keeps none');
is(over('socket', q{SELECT dp_tier(*) || '/' || upper(dp_tier(*)), dp_count(*) > 900 FROM visits WHERE dp_with(epsilon => 5)}), 'low/LOW|t', 'in expressions, beside others');
is(over('socket', q{SELECT dp_tier(*), dp_mode(clinic) IS NULL FROM visits WHERE clinic = 'tiny'}), '|t', 'NULL where the row is held back');
is(over('socket', q{SELECT count(*) FROM (SELECT clinic, dp_tier(*) FROM visits WHERE clinic = 'tiny' GROUP BY clinic) v}), 0, 'a group that is held back is not there');
is(over('socket', q{SELECT dp_tier(*) FROM visits WHERE clinic = 'nowhere'}), '', 'and NULL where nobody is');
over('socket', q{SELECT dp_tier(*), dp_count(*), dp_avg(cost) FROM visits});
is(over('socket', q{SELECT dp_tier(*), dp_count(*) FROM visits \g /dev/null
SELECT output, standard_error IS NULL, warnings FROM dp_agg.last_release() ORDER BY 1}), "dp_count(*)|f|{}\ndp_tier(*)|t|{}", 'last_release(): no error around a tier');
is(over('socket', q{SELECT outputs FROM dp_agg.my_releases ORDER BY id DESC LIMIT 1}), 'dp_tier(*), dp_count(*)', 'the log names it');
query('SET client_min_messages = warning; SELECT dp_agg.set_domain(\'visits\', \'clinic\', ARRAY[\'clinic 0\', \'clinic 1\', \'tiny\', \'closed\'])');
foreach my $beside ('dp_count(*)', 'dp_avg(cost)', 'dp_mode(clinic)')
{
	is(over('socket', "SELECT clinic, dp_tier(*), $beside IS NULL AS held FROM visits WHERE dp_with(epsilon => 50) GROUP BY clinic ORDER BY clinic") =~ s/medium/x/gr,
		"clinic 0|x|f\nclinic 1|x|f\nclosed||t\ntiny||t", "public keys: NULL where $beside is NULL");
}
query("SELECT dp_agg.set_domain('visits', 'clinic', NULL)");
DpAgg::refused($node, 'analyst', $_->[0], $_->[1])
  foreach [ 'SELECT dp_tier(*) FROM visits GROUP BY ROLLUP (patient_id)', 'DP002' ], [ 'SELECT dp_low(dp_tier(*)) FROM visits', 'DP002' ], [ 'SELECT dp_tier(*) FILTER (WHERE cost > 1) FROM visits', 'DP002' ],
  [ 'SELECT dp_tier(*) FROM visits GROUP BY patient_id', 'DP002' ], [ 'SELECT dp_count(t) FROM (SELECT patient_id, dp_tier(*) AS t FROM visits GROUP BY patient_id) v', 'DP002' ],
  [ 'SELECT dp_tier(*) FROM pg_class', 'DP002' ], [ 'SELECT dp_tier(*) OVER () FROM visits', '42501' ], [ 'SELECT dp_tier(clinic) FROM visits', '42883' ], [ 'SELECT dp_tier() FROM visits', '42809' ];

# It costs no share and no coordinate: the same noise law, beside it or not.
{
	my $error = sub { return over('socket', "SELECT $_[0] FROM visits \\g /dev/null\nSELECT round(max(standard_error)::numeric, 6) FROM dp_agg.last_release()") };
	is($error->("dp_tier(*), $_"), $error->($_), "$_ is as sharp beside a tier") foreach 'dp_count(*)', 'dp_top(clinic, 2)', 'dp_histogram(cost, 5)';
	# That of an average depends a little on the noise that was drawn.
	my ($alone, $beside) = map { over('socket', "SELECT $_ FROM visits WHERE dp_with(epsilon => 900) \\g /dev/null\nSELECT max(standard_error) FROM dp_agg.last_release()") }
	  'dp_avg(cost)', 'dp_tier(*), dp_avg(cost)';
	ok(abs($beside / $alone - 1) < 0.02, "an average is as sharp beside a tier: $alone, $beside");
	is(over('socket', "SELECT clinic, dp_count(*), dp_tier(*) FROM visits GROUP BY clinic \\g /dev/null\nSELECT sum(epsilon) FROM (SELECT epsilon FROM dp_agg.my_releases ORDER BY id DESC LIMIT 1) r"), 1, 'and costs what it costs without');
}

# A role that may read the rows asks in the same way.
query('CREATE ROLE reader LOGIN; GRANT SELECT ON visits TO reader');
is(over('tcp', 'SELECT dp_tier(*), dp_count(*) > 0 FROM visits', 'reader'), 'medium|t', 'for roles with SELECT');
is(over('tcp', 'SELECT dp_tier(*) FROM visits', $superuser), 'medium', 'and superusers');

# A release inside of another, and several of one statement.
is(over('tcp', q{SELECT a.t || b.t FROM (SELECT dp_tier(*) AS t FROM visits) a, (SELECT dp_tier(*) AS t FROM visits WHERE dp_with(epsilon => 6)) b}), 'mediumhigh', 'each release of a statement has its own');
is(over('tcp', q{SELECT string_agg(tier, ',' ORDER BY epsilon) FROM (SELECT * FROM dp_agg.my_releases ORDER BY id DESC LIMIT 2) r}), 'medium,high', 'in the log, too');

# No client at all: a background worker keeps what it computes.
is(query('SET ' . DpAgg::force_parallel() . q{ = on; SELECT dp_tier(*) FROM visits}), 'low', 'in a plan with workers');

# ---------- what an analyst may not do ----------

my @settings = ([ tier_scale => 0 ], [ tier_epsilon => 0 ], [ tier_lifetime_epsilon => 0 ], [ plain_transmission => 'medium' ], [ declared_environment => 'trusted' ]);
foreach (@settings)
{
	my ($name, $value) = @$_;

	DpAgg::refused($node, 'analyst', $_, '42501')
	  foreach "SET dp_agg.$name = '$value'", "SET LOCAL dp_agg.$name = '$value'", "SELECT set_config('dp_agg.$name', '$value', false)", "ALTER ROLE analyst SET dp_agg.$name = '$value'",
	  "ALTER SYSTEM SET dp_agg.$name = '$value'", "UPDATE pg_settings SET setting = '$value' WHERE name = 'dp_agg.$name'",
	  "CREATE FUNCTION pg_temp.tiers() RETURNS text LANGUAGE sql SET dp_agg.$name = '$value' AS 'SELECT dp_tier(*) FROM visits'; SELECT pg_temp.tiers()";
	my $r = DpAgg::as($node, 'analyst', "SHOW dp_agg.$name", connstr => "$sent{socket} user=analyst options='-c dp_agg.$name=$value'");
	is($r->{ok} ? 'connected' : 'refused', 'refused', "nor by options of the connection: $name") or diag($r->{out});
	DpAgg::works($node, $superuser, "SET dp_agg.$name = '$value'", "a superuser may: $name");
}
DpAgg::refused($node, $superuser, "SET dp_agg.$_->[0] = '$_->[1]'", '22023')
  foreach [ tier_scale => -1 ], [ tier_scale => 3000000000 ], [ tier_scale => 'x' ], [ tier_epsilon => -1 ], [ tier_epsilon => 1001 ], [ tier_epsilon => 'NaN' ], [ tier_lifetime_epsilon => '-1e-9' ],
  [ tier_lifetime_epsilon => 2e9 ], [ plain_transmission => 'low' ], [ plain_transmission => 'off' ], [ declared_environment => 'on' ];
settings(@rest, plain_transmission => 'high');
is(over('tcp', 'RESET ALL; DISCARD ALL; SELECT dp_tier(*) FROM visits'), 'high', 'RESET and DISCARD give back what the administrator set');
settings(@rest);
DpAgg::refused($node, 'analyst', $_, '42501', DpAgg::brief($_))
  foreach q{UPDATE dp_agg.release SET tier = 'low', codes = ''}, 'SELECT codes FROM dp_agg.release',
  q{SECURITY LABEL FOR dp_agg ON TABLE visits IS '{"population": "patients", "individuals": 5}'};
DpAgg::refused($node, 'analyst', q{UPDATE dp_agg.releases SET tier = 'low'}, '55000', 'nor through the view, which is of several relations');
# A function of the same name is not ours, and says nothing that the log repeats.
is(over('tcp', q{CREATE FUNCTION pg_temp.fake() RETURNS text LANGUAGE sql AS $$SELECT 'low'::text$$; SELECT pg_temp.fake() FROM (SELECT dp_count(*) FROM visits) v}), 'low', 'a text that an analyst writes');
is(over('tcp', "SELECT tier FROM dp_agg.my_releases ORDER BY id DESC LIMIT 1"), 'medium', 'changes no tier');
# What another role released is not shown; nor is there anything to see for one without a release.
is(over('socket', 'SELECT count(*) FROM dp_agg.last_release()', 'spender'), 0, 'nothing before the first release');

# ---------- tier_report() ----------

{
	my $report = 'SELECT count(*) > 0, count(DISTINCT code) FROM dp_agg.tier_report';
	is(over('socket', "$report()", 'spender'), over('socket', q{SELECT count(*) > 0, count(DISTINCT c) FROM dp_agg.my_releases, unnest(tier_codes) c}, 'spender'), 'the report is of what dp_agg.releases shows to who asks');
	is(query(q{SELECT stage, code, reason, releases = (SELECT count(*) FROM dp_agg.releases WHERE tier = 'high' AND 'transmission.plain_high' = ANY (tier_codes))
		FROM dp_agg.tier_report('patients') WHERE tier = 'high' AND code = 'transmission.plain_high'}),
		'transmission|transmission.plain_high|It was sent over TCP without encryption, which is set to count as high.|t', 'stage, code, reason and number');
	is(query(q{SELECT sum(releases) = (SELECT count(*) FROM dp_agg.releases), sum(epsilon) = (SELECT sum(epsilon) FROM dp_agg.releases), min(day) <= max(day)
		FROM dp_agg.tier_report() WHERE stage = 'computation' AND code = 'computation.central'}), 't|t|t', 'each release counts once for each of its codes');
	is(query(q{SELECT count(*) FROM dp_agg.tier_report('nobody')}), 0, 'of one population');
	over('socket', 'SELECT * FROM dp_agg.tier_report()', 'reader');
}

# ---------- warnings ----------

$node->safe_psql('postgres', q{ALTER TABLE visits ADD zip text DEFAULT '1010', ADD born int DEFAULT 1950, ADD "Sex" text DEFAULT 'x'});
$node->safe_psql('postgres', "SELECT dp_agg.classify('visits', '$_', 'quasi_identifier')") foreach qw(zip born Sex);
{
	my $warn = sub { return over('socket', "SELECT $_[0] FROM visits GROUP BY $_[1] \\g /dev/null\nSELECT warnings FROM dp_agg.last_release() LIMIT 1") };

	is($warn->('zip, dp_count(*)', 1), '{}', 'one quasi-identifier as a key');
	is($warn->('clinic, zip, dp_count(*)', '1, 2'), '{}', 'beside another column');
	is($warn->('zip, born, dp_count(*)', '1, 2'), '{"Groups are formed by 2 quasi-identifiers combined: zip, born."}', 'two of them');
	is($warn->('zip, clinic, "Sex", born / 10, dp_tier(*)', '1, 2, 3, 4'), '{"Groups are formed by 3 quasi-identifiers combined: zip, Sex, born."}', 'three, one in an expression');
}

# ---------- sentences ----------

my @codes = split /\n/, query(q{SELECT DISTINCT unnest(tier_codes) FROM dp_agg.releases});
cmp_ok(scalar @codes, '>=', 11, 'the releases above had ' . @codes . ' codes');
foreach my $code (@codes)
{
	unlike(query("SELECT (dp_agg.tier_reasons('$code', 'en'))[1]"), qr/^$code$|[^\x00-\x7f]/, "$code in English");
	my ($chinese, $plain) = split /\|/, query("SELECT (dp_agg.tier_reasons('$code', 'zh'))[1] ~ U&'[\\4E00-\\9FFF]', (dp_agg.tier_reasons('$code', 'zh'))[1] = '$code'");
	is("$chinese$plain", 'tf', "$code in Chinese");
}
is(query(q{SELECT dp_agg.tier_reasons('result.statistic future.thing  transmission.plain', 'en')}),
	'{"The result is a differentially private statistic over at least 20 individuals.",future.thing,"It was sent over TCP without encryption."}', 'a code of a newer version is shown as it is');
is(query(q{SELECT dp_agg.tier_reasons(''), dp_agg.tier_reasons(NULL) IS NULL, dp_agg.tier_codes(' a.b  c.d '), dp_agg.tier_codes('')}), '{}|t|{a.b,c.d}|{}', 'none, and NULL');
is(query(q{SELECT dp_agg.tier_obligation('low', 'en'), dp_agg.tier_obligation('medium', 'en') = dp_agg.tier_obligation('high', 'en'), dp_agg.tier_obligation('none', 'en') IS NULL, dp_agg.tier_obligation(NULL) IS NULL}),
	'Check whether the result still contains personal information.|t|t|t', 'obligations');
is(query(q{SELECT dp_agg.tier_obligation('high', l) ~ 'consent' FROM unnest(ARRAY['en', 'fr', '', 'C', 'en_US.UTF-8']) l}), join("\n", ('t') x 5), 'English for any other language');
is(query(q{SELECT length(dp_agg.tier_obligation('high', l)) < 40 FROM unnest(ARRAY['zh', 'zh_CN.UTF-8', 'ZH', 'zh-Hans']) l}), join("\n", ('t') x 4), 'Chinese by its beginning');
is(query(q{SELECT dp_agg.tier_reasons('result.statistic'), dp_agg.tier_obligation('low')}), query(q{SELECT dp_agg.tier_reasons('result.statistic', 'en'), dp_agg.tier_obligation('low', 'en')}), 'by default in the language of lc_messages');

# Databases in other encodings: Chinese where it can be written.
foreach ([ 'EUC_CN', 't' ], [ 'SQL_ASCII', 't' ], [ 'LATIN1', 'f' ], [ 'EUC_JP', 'f' ])
{
	my ($encoding, $chinese) = @$_;
	my $db = lc $encoding;

	query("CREATE DATABASE $db ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
	$node->safe_psql($db, 'CREATE EXTENSION dp_agg');
	is($node->safe_psql($db, q{SET client_encoding = 'SQL_ASCII'; SELECT bool_and(dp_agg.tier_reasons(c, 'zh') <> dp_agg.tier_reasons(c, 'en')), dp_agg.tier_obligation('low', 'zh') <> dp_agg.tier_obligation('low', 'en')
		FROM unnest(ARRAY['} . join("', '", @codes) . q{']) c}), "$chinese|$chinese", "$encoding: " . ($chinese eq 't' ? 'Chinese' : 'English'));
}
is($node->safe_psql('euc_cn', q{SELECT encode(convert_to(dp_agg.tier_obligation('low', 'zh'), 'UTF8'), 'hex')}), query(q{SELECT encode(convert_to(dp_agg.tier_obligation('low', 'zh'), 'UTF8'), 'hex')}), 'EUC_CN: the same sentence');

SKIP:
{
	skip 'no locale zh_CN could be made here (localedef, and its sources)', 5 unless $has_chinese;

	query(q{ALTER ROLE analyst SET lc_messages = 'zh_CN.UTF-8'});
	my $obligation = query(q{SELECT dp_agg.tier_obligation('medium', 'zh')});
	is(over('tcp', q{SHOW lc_messages; SELECT dp_agg.tier_obligation('medium')}), "zh_CN.UTF-8\n$obligation", 'lc_messages in Chinese');
	is(over('tcp', qq{SELECT dp_count(*) > 0 FROM visits; SELECT obligation, tier_reasons = dp_agg.tier_reasons(array_to_string(tier_codes, ' '), 'zh') FROM dp_agg.last_release()}), "t\n$obligation|t", 'last_release()');
	is(over('tcp', q{SELECT bool_and(tier_reasons = dp_agg.tier_reasons(array_to_string(tier_codes, ' '), 'zh')) FROM dp_agg.my_releases}), 't', 'the log of releases that were made in English');
	is(over('tcp', q{SELECT DISTINCT reason FROM dp_agg.tier_report() WHERE code = 'transmission.plain'}), query(q{SELECT (dp_agg.tier_reasons('transmission.plain', 'zh'))[1]}), 'tier_report()');
	is(over('tcp', q{SELECT zip, born, dp_count(*) FROM visits GROUP BY 1, 2 \g /dev/null
SELECT warnings[1] LIKE '%2%zip, born%', warnings[1] LIKE 'Groups%' FROM dp_agg.last_release()}), 't|f', 'and warnings');
	query('ALTER ROLE analyst RESET lc_messages');
}

$node->stop;
done_testing();
