# dp_agg.report(): a page that shows what the views show whoever asks, whatever names and
# queries hold, and that a browser shows without asking anybody else for anything.

use strict;
use warnings;
use Browser;
use DpAgg;
use Test::More;
use PostgreSQL::Test::Utils;

# No role has a longer name.
my $hostile = q{<img src=x onerror="document.title='owned'">};
my $odd = "&amp; ]]> \x01 '%s' %1\$s \\ \xe7\xa0\x94\xe2\x80\xae";
my $population = q{p<&>"'};
my $node = DpAgg::node('report', roles => [qw(analyst other stranger auditor keeper team member)]);
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');

sub identifier { return '"' . $_[0] =~ s/"/""/gr . '"'; }
sub literal { return "'" . $_[0] =~ s/'/''/gr . "'"; }
sub query { return $node->safe_psql('postgres', $_[0]); }

my $quoted = literal($population);

query("CREATE ROLE $_ LOGIN") foreach map { identifier($_) } $hostile, $odd;
query(<<"SQL");
CREATE TABLE people (id int PRIMARY KEY, grp int NOT NULL, age int NOT NULL);
INSERT INTO people SELECT i, i % 300, i % 90 FROM generate_series(1, 30000) i;
CREATE TABLE pupils (id int PRIMARY KEY);
INSERT INTO pupils SELECT generate_series(1, 1000);
SELECT dp_agg.protect('people', unit => 'id', population => $quoted);
SELECT dp_agg.protect('pupils', unit => 'id', population => 'pupils');
SELECT dp_agg.set_bounds('people', 'age', 0, 100);
SELECT dp_agg.set_population_size($quoted, 30000);
SELECT dp_agg.set_budget('analyst', $quoted, epsilon => 20, delta => 1e-4, period => '1 month', max_releases => 100);
SELECT dp_agg.set_budget('other', $quoted, epsilon => 10, delta => 1e-4, accountant => 'zcdp');
SELECT dp_agg.set_budget(@{[ literal($hostile) ]}, $quoted, epsilon => 3);
SELECT dp_agg.set_budget(@{[ literal($odd) ]}, $quoted, epsilon => 3);
SELECT dp_agg.set_budget('team', $quoted, epsilon => 9);
SELECT dp_agg.set_population_cap($quoted, epsilon => 500, delta => 1e-2, accountant => 'zcdp');
SELECT dp_agg.set_budget('other', 'pupils', epsilon => 20);
GRANT team TO member;
GRANT SELECT ON dp_agg.account, dp_agg.release TO auditor;
SELECT dp_agg.grant_admin('keeper', $quoted);
SQL

# as ROLE: whatever its name
sub as_role
{
	my ($role, @statements) = @_;

	return query(join ";\n", 'SET SESSION AUTHORIZATION ' . identifier($role), @statements);
}

# page ROLE [POPULATION]: what the role is shown
sub page
{
	my ($role, $of) = @_;

	return as_role($role, 'SELECT dp_agg.report(' . literal($of // $population) . ')');
}

as_role('analyst', 'SET dp_agg.epsilon = 0.25', ('SELECT count(*), avg(age) FROM people') x 9);
as_role('other', 'SET dp_agg.epsilon = 0.5', map { "SELECT count(*) FROM people WHERE age < $_" } 30 .. 34);
as_role('other', 'SELECT count(*) FROM pupils WHERE id <> -424242');
as_role($hostile, "SELECT count(*) FROM people WHERE age::text <> '</style><script>document.title=1</script>'");
as_role($odd, "SET dp_agg.epsilon = 0.1", "SELECT count(*) /* ]]> --> \x01 &lt; \xe2\x80\xae */ FROM people");
as_role('member', 'SET dp_agg.epsilon = 0.5', 'SELECT count(*) FROM people WHERE age <> -515151');
as_role('team', map { "SET dp_agg.epsilon = $_; SELECT count(*) FROM people WHERE age <> -616161" } 0.5, 0.5);

my $page = page($superuser);

# ---------- form ----------

unlike($page =~ s/="[^"<>]*"/=""/gr, qr{https?:|//|<script|<[^<>]*\b(?:src|href|style|on\w+)=|url\(|\@import}i, 'nothing from elsewhere, and no script');
unlike($page, qr{https?:|//}, 'nor a place of it');
like($page, qr/\A<!DOCTYPE html>\n<html lang="en">/, 'it is HTML');
unlike($page, qr/[^\n\t\x20-\x7e]/, 'in ASCII');
my $xml = $node->psql('postgres', "SELECT xmlparse(DOCUMENT '<a/>')") == 0;
SKIP:
{
	skip 'PostgreSQL without XML', 9 if !$xml;

	foreach my $role ($superuser, 'analyst', $hostile, $odd, 'member')
	{
		my ($status, $out, $err) = $node->psql('postgres', 'SELECT xmlparse(DOCUMENT ' . literal(page($role)) . ') IS NOT NULL');

		is($out, 't', 'it is XML as well') or diag($err);
	}

	# ---------- numbers ----------

	# rows TABLE COLUMN...: of a table of the page, as SQL
	sub rows
	{
		my ($table, @columns) = @_;

		return 'XMLTABLE(' . literal(qq{//table[\@id="$table"]/tbody/tr}) . ' PASSING xmlparse(DOCUMENT ' . literal($page) . ') COLUMNS '
		  . join(', ', map { "$columns[$_] text PATH '*[" . ($_ + 1) . "]'" } 0 .. $#columns) . ')';
	}
	# both have the rows of each other
	sub same
	{
		my ($shown, $expected, $count, $name) = @_;

		is(query(qq{WITH shown AS ($shown), expected AS ($expected)
			SELECT (SELECT count(*) FROM shown), (SELECT count(*) FROM (TABLE shown EXCEPT TABLE expected) e), (SELECT count(*) FROM (TABLE expected EXCEPT TABLE shown) e)}),
			"$count|0|0", $name);
		return;
	}
	my $seen = q{translate(role, U&'\0001\202E', U&'\FFFD\FFFD')};
	same('SELECT role, spent, most, remains, delta, releases, more FROM ' . rows('accounts', qw(role bar share spent most remains delta releases more renews)),
		"SELECT $seen, epsilon_spent::text, epsilon_limit::text, epsilon_remaining::text, delta_remaining::text, releases_spent::text, coalesce(releases_remaining::text, U&'\\2013')
		 FROM dp_agg.budgets WHERE population = $quoted
		 UNION ALL SELECT 'all roles together', epsilon_spent::text, epsilon_limit::text, epsilon_remaining::text, delta_remaining::text, releases_spent::text, U&'\\2013'
		 FROM dp_agg.population_caps WHERE population = $quoted", 6, 'accounts are those of the views');
	same('SELECT role, total, low, medium, high, epsilon FROM ' . rows('tiers', qw(role bar total low medium high none again epsilon last)),
		"SELECT " . $seen =~ s/role/session_user_name/r . ", count(*)::text, count(*) FILTER (WHERE tier = 'low')::text, count(*) FILTER (WHERE tier = 'medium')::text,
		 count(*) FILTER (WHERE tier = 'high')::text, trim_scale(sum(epsilon))::text FROM dp_agg.releases WHERE population = $quoted GROUP BY session_user_name", 6, 'releases are those of the log');
	same('SELECT id, role, tier, epsilon FROM ' . rows('latest', qw(id at role tier epsilon error)),
		"SELECT id::text, " . $seen =~ s/role/session_user_name/r . ", tier, epsilon::text FROM dp_agg.releases WHERE population = $quoted ORDER BY id DESC LIMIT 20", 19, 'and so are the latest');
	same('SELECT severity, topic, object, finding, advice FROM ' . rows('findings', qw(severity topic object finding advice)),
		'SELECT * FROM dp_agg.check_hardening()', query('SELECT count(*) FROM dp_agg.check_hardening()'), 'and findings those of check_hardening()');
}

# The line of an account ends where it stands, and begins at zero if all is seen.
sub line
{
	my ($html, $role) = @_;
	my ($path) = $html =~ m{<bdi>\Q$role\E</bdi></b>.*?class="steps" d="M44[.]0 ([^"]*)"};
	my @heights = ($path // '') =~ /(?:^|V)([\d.]+)/g;

	return map { sprintf '%.2f', (112 - $_) / 100 } @heights[ 0, -1 ];
}
is(join(' ', line($page, 'analyst')), '0.00 0.11', 'the line of an account goes from nothing to 2.25 of 20');
{
	my ($share) = query("SELECT round(rho_spent / rho_limit, 2) FROM dp_agg.budgets WHERE role = 'other' AND population = $quoted");

	cmp_ok($share, '>', 0, 'a rho was spent');
	is(join(' ', line($page, 'other')), "0.00 $share", 'under zcdp it is of rho');
}
my $members = page('member');
is(join(' ', line($members, 'team')), '0.11 0.17', q(the line of a group's account begins with what others of the group have spent));
like($members, qr/2 of its releases are not shown/, 'which is said');
query("SELECT dp_agg.set_budget('analyst', $quoted, epsilon => 20, delta => 1e-4, period => '1 month', max_releases => 100, forget => true)");
as_role('analyst', 'SET dp_agg.epsilon = 0.25', 'SELECT count(*), avg(age) FROM people');
like(page($superuser), qr{<bdi>analyst</bdi></b>: epsilon 0.25 of 20</figcaption>}, 'what was forgotten is in no line');
is(join(' ', line(page($superuser), 'analyst')), '0.00 0.01', 'which begins anew');

# ---------- the error of a count ----------

# how far 95 of 100 of the discrete Laplace law are from 0
sub within
{
	my ($q) = exp(-$_[0]);
	my ($k, $inside) = (0, (1 - $q) / (1 + $q));

	while ($inside < 0.95)
	{
		$k++;
		$inside += 2 * (1 - $q) / (1 + $q) * $q**$k;
	}
	return $k;
}
is(query("SELECT dp_agg.count_error($_, false)"), within($_), "error of a count at epsilon $_") foreach qw(0.01 0.1 0.5 1 2 3 10);
foreach my $case ([ 'analyst', 'pure noise', 0.25, 'f' ], [ 'other', 'Gaussian noise', 0.25, 't' ])
{
	my ($role, $name, $epsilon, $gaussian) = @$case;
	my $out = as_role($role, "SET dp_agg.epsilon = $epsilon", 'SELECT count(*) FROM people GROUP BY grp', 'SELECT gaussian FROM dp_agg.last_release()');
	my @counts = $out =~ /^(\d+)$/mg;
	my $error = query("SELECT dp_agg.count_error($epsilon, '$gaussian')");
	my $inside = grep { abs($_ - 100) <= $error } @counts;

	like($out, qr/^$gaussian$/m, $name);
	cmp_ok(@counts, '>=', 250, '... most groups are there');
	# a binomial share of 0.95 or a little more, of about 300
	cmp_ok($inside / @counts, '>=', 0.88, "... $inside of " . @counts . " counts are within +-$error");
	cmp_ok($inside / @counts, '<', 1, '... and not all');
}

# ---------- who is shown what ----------

my $own = page('analyst');
like($own, qr{<bdi>analyst</bdi>}, 'an analyst is shown its own account');
unlike($own, qr/<bdi>(other|team|&#60;img)|age &#60; 3\d|515151|616161|check_hardening\(\) finds|id="findings"/, 'and nobody else, and no finding');
like($own, qr{<i>all roles together</i>}, 'with the cap, as population_caps does');
is(() = $own =~ /<td class="n">\d+<\/td><td class="t">/g, 11, '... and all of its own releases');
like(page('keeper'), qr/515151.*616161|616161.*515151/s, 'an administrator is shown all of the population');
unlike(page('keeper'), qr/424242|id="findings"/, '... and of no other, and no finding');
like(page('auditor', 'pupils'), qr/424242/, 'an auditor is shown all');
query('GRANT EXECUTE ON FUNCTION dp_agg.check_hardening() TO auditor');
like(page('auditor', 'pupils'), qr/id="findings"/, '... and findings, if it may ask for them');
foreach my $role (qw(stranger analyst keeper))
{
	DpAgg::refused($node, $role, "SELECT dp_agg.report('$_')", '42501', "$role is shown nothing of $_") foreach qw(pupils nothing);
}
is(DpAgg::as($node, 'stranger', "SELECT dp_agg.report('pupils')")->{message}, 'permission denied for population "pupils"', 'in the same words');
is(DpAgg::as($node, 'stranger', "SELECT dp_agg.report('nothing')")->{message}, 'permission denied for population "nothing"', '... whether or not there is one');
DpAgg::refused($node, $_, "SELECT dp_agg.report('nothing')", '42704') foreach $superuser, 'auditor';
DpAgg::refused($node, $_, 'SELECT dp_agg.report(NULL)', '22004') foreach $superuser, 'stranger';
query("SELECT dp_agg.protect('pupils', unit => 'id', population => 'empty')");
like(page($superuser, 'empty'), qr/There is no account.*No account has spent.*There is no release/s, 'a population of which nothing is known yet');
query("SELECT dp_agg.protect('pupils', unit => 'id', population => 'pupils')");

# ---------- it costs nothing, and looks the same everywhere ----------

{
	my $before = query('SELECT sum(releases_spent), sum(epsilon_spent) FROM dp_agg.budgets');
	my $tables = sub { return join '', $_[0] =~ m{(<table id="(?:accounts|tiers|latest)">.*?</table>)}gs; };
	my $plain = $tables->(page('analyst'));
	my $changed = as_role('analyst', 'BEGIN READ ONLY', "SET timezone = 'Asia/Shanghai'", "SET intervalstyle = 'iso_8601'", "SET datestyle = 'german'", 'SET extra_float_digits = -15', "SET search_path = pg_temp",
		"SELECT dp_agg.report($quoted)", 'COMMIT');

	is($tables->($changed), $plain, 'in a read-only transaction, and whatever is set');
	is(query('SELECT sum(releases_spent), sum(epsilon_spent) FROM dp_agg.budgets'), $before, 'nothing is charged');
	unlike(as_role($superuser, "SELECT dp_agg.report($quoted, now() + interval '1 hour')"), qr/id="(tiers|latest|spending)"/, 'since a time: releases are those after it');
	like(as_role($superuser, "SELECT dp_agg.report($quoted, now() - interval '1 hour')"), qr/id="spending".*id="tiers".*id="latest"/s, '... and nothing else');
}

# ---------- in another encoding, and on a server that only reads ----------

foreach my $encoding ('LATIN1', 'SQL_ASCII')
{
	my $db = lc $encoding;

	query("CREATE DATABASE $db TEMPLATE template0 ENCODING '$encoding' LOCALE 'C'");
	$node->safe_psql($db, "SET client_encoding = '$encoding'; CREATE EXTENSION dp_agg; CREATE TABLE t (id int PRIMARY KEY); SELECT dp_agg.protect('t', unit => 'id', population => E'p\\xe9<')");
	my $there = $node->safe_psql($db, "SET client_encoding = '$encoding'; SELECT dp_agg.report(E'p\\xe9<')");

	like($there, qr{<title>Privacy report: p\xe9&#60;</title>}, "a database in $encoding");
}

# ---------- in a browser ----------

SKIP:
{
	my $why = Browser::missing();
	skip $why, 1 if $why;

	my $folder = PostgreSQL::Test::Utils::tempdir();
	my $file = "$folder/report.html";
	my $browser = Browser->new;

	PostgreSQL::Test::Utils::append_to_file($file, $page);
	$browser->open("file://$file");
	is($browser->value('document.title'), "Privacy report: $population", 'its title is the population');
	is($browser->value('document.querySelectorAll("script, img, link, iframe, object").length'), 0, 'names and queries have become no elements');
	is($browser->value('[...document.querySelectorAll("#tiers tbody th")].map(e => e.textContent).sort()[0]'), "&amp; ]]> \x{fffd} '%s' %1\$s \\ \x{7814}\x{fffd}", 'a name is shown as it is');
	is($browser->value(q{[...document.querySelectorAll("#latest code")].some(e => e.textContent.includes("</style><script>document.title=1</script>"))}), 1, 'and so is a query');
	is($browser->value('[...document.querySelectorAll("svg")].filter(e => !e.getAttribute("aria-label")).length'), 0, 'each picture has a text');
	cmp_ok($browser->value('document.querySelectorAll("svg").length'), '>', 25, '... of many');
	my %colours;
	foreach my $look ([ 'screen', 'light', 1200 ], [ 'screen', 'dark', 1200 ], [ 'print', 'dark', 1000 ], [ 'screen', 'light', 400 ])
	{
		my ($media, $scheme, $width) = @$look;
		my $picture = "$PostgreSQL::Test::Utils::log_path/report-$media-$scheme-$width.png";

		$browser->look(@$look);
		$browser->screenshot($picture);
		cmp_ok(-s $picture, '>', 30_000, "a picture: @$look");
		$colours{"@$look"} = $browser->value('getComputedStyle(document.body).backgroundColor');
		cmp_ok($browser->value('document.documentElement.scrollWidth'), '<=', $width, '... is not too wide');
		# of all texts the least contrast with what is behind them (WCAG asks for 4.5)
		cmp_ok($browser->value(<<'JS'), '>=', 4.5, '... and can be read');
(() => {
	const channels = c => c.match(/[\d.]+/g).slice(0, 3).map(Number);
	const light = c => channels(c).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
		.reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	const behind = e => { while (e && getComputedStyle(e).backgroundColor === 'rgba(0, 0, 0, 0)') e = e.parentElement;
		return getComputedStyle(e || document.body).backgroundColor; };
	return Math.min(...[...document.querySelectorAll('h1, h2, p, b, caption, th, td, .mark, svg text, figcaption, code')].map(e => {
		const style = getComputedStyle(e), [a, b] = [light(e instanceof SVGElement ? style.fill : style.color), light(behind(e))];
		return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); }));
})()
JS
	}
	isnt($colours{'screen dark 1200'}, $colours{'screen light 1200'}, 'dark and light differ');
	is($colours{'print dark 1000'}, 'rgb(255, 255, 255)', 'and paper is white');
	is(join(' ', $browser->complaints), '', 'the browser has nothing to complain of');
	is(join(' ', grep { $_ ne "file://$file" } $browser->requests), '', 'and asks for nothing else');
}

$node->stop;
done_testing();
