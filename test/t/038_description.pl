# The description of a release as bytes (spec/serialise.h): its format does not change
# without a new version, and what is not a description is refused as such.

use strict;
use warnings;
use Test::More;
use DpAgg;
use PostgreSQL::Test::Utils;

my $node = DpAgg::node('description');
DpAgg::visits($node);
$node->safe_psql('postgres', 'CREATE TABLE rows AS SELECT i::numeric AS cost FROM generate_series(1, 40) i');

# ---------- the format ----------

# Descriptions and parameters out of the plan that the server prints.
sub planned
{
	my ($query) = @_;
	my $place = -s $node->logfile;
	my ($spec, @params);

	$node->safe_psql('postgres', "SET debug_print_plan = on; SET debug_pretty_print = off;\n$query");
	foreach my $const (slurp_file($node->logfile, $place) =~ /:constvalue\s+\d+\s+\[\s+((?:-?\d+\s+)+)\]/g)
	{
		my $bytes = pack 'C*', map { $_ & 255 } split ' ', $const;

		$spec //= substr $bytes, 4 if substr($bytes, 4, 4) eq 'DPrd';
		@params = unpack 'd<*', substr $bytes, 24 if !@params && length $bytes > 56 && substr($bytes, 12, 4) eq pack 'l<', 701;
	}
	$spec && @params or BAIL_OUT('no description in the log');
	return ($spec, "'{" . join(',', @params) . "}'::float8[]");
}

my ($spec, $params) = planned('SELECT clinic, dp_count(*), dp_avg(cost), dp_median(cost) FROM visits GROUP BY clinic');

# Version 7.  If this test fails, the format is another: give it a new version, and renew this.
my $expected = <<'HEX' =~ s/\s+//gr;
445072640007000000000400010008000100020003000300010001000100030000000000000100010000000000000f424000000000ffff000000087061746965
6e7473000d7075626c69632e766973697473002a64705f636f756e74282a292c2064705f61766728636f7374292c2064705f6d656469616e28636f7374290000
0000000000000002030406ffffffff000500ffffffff010000ffff000000000000000001000101000100010000ffff0100000002ffff0100000002ffff020000
00000200013fe000000000000000003fe000000000000000000300003ff000000000000000023fe00000000000000003bfe000000000000000000200023fe000
000000000000033fe0000000000000000006ffffffff000006a40000000000050000000000000000010000000000070000000000000000000014010000000000
00000000ffffffffffffffffffffffff000000000000000b64705f636f756e74282a2902000000000006a4020000000005000500010002ffffffffffffffffff
ff000000000000000c64705f61766728636f73742912000000000002bd0000000000050005ffffffffffffffffffffffff0000000000010000000f64705f6d65
6469616e28636f737429
HEX

# The id is random, and the table's OID depends on what was made before.
is(unpack('H*', $spec) =~ s/^(.{12}).{32}(.{102}).{8}/$1$2/r, $expected, 'the format of version 7');
cmp_ok(length $spec, '<', 600, 'a description takes little room: ' . length($spec) . ' bytes');

# ---------- what is refused ----------

# outcomes(LIST): a LIST of pairs (what, bytea) is SQL; how each ends if it is taken for a
# description, as lines "what: message", without those that are taken.
$node->safe_psql('postgres', <<"SQL");
CREATE FUNCTION outcome(description bytea) RETURNS text LANGUAGE plpgsql AS \$\$
BEGIN
	PERFORM dp_agg.collect(description, $params, cost), dp_agg.individual(description, $params, cost),
		dp_agg.sketch(description, $params, 0, cost), dp_agg.sketch_rows(description, $params, 0, cost) FROM rows;
	RETURN 'taken';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END \$\$;
CREATE TABLE descriptions AS SELECT decode('${\ unpack 'H*', $spec}', 'hex') AS d;
SQL

sub outcomes
{
	my ($from) = @_;

	return $node->safe_psql('postgres', "SELECT outcome, count(*) FROM (SELECT outcome(f) FROM descriptions, $from) q GROUP BY 1 ORDER BY 1");
}

my $malformed = 'malformed release description';
my $length = length $spec;

is(outcomes('LATERAL (SELECT d) f (f)'), 'taken|1', 'as it is it is taken');
is(outcomes("generate_series(0, $length - 1) n, substr(d, 1, n) f"), "$malformed|$length", 'cut off anywhere it is refused');
is(outcomes("(VALUES ('\\x00'::bytea), ('\\x01'), ('\\xffffffff')) v (more), LATERAL (SELECT d || more) f (f)"), "$malformed|3", 'with more at the end, too');
is(outcomes('generate_series(0, 300) v, LATERAL (SELECT set_byte(set_byte(d, 4, v >> 8), 5, v & 255) WHERE v <> 7) f (f)'), "$malformed|300", 'in any other version');
is(outcomes('generate_series(0, 31) n, set_bit(d, n, 1 - get_bit(d, n)) f'), "$malformed|32", 'with another beginning');

# A bit may also make another description, of another id, type or name.
my %flipped = map { /(.*)\|(\d+)/ } split /\n/, outcomes("generate_series(0, 8 * $length - 1) n, set_bit(d, n, 1 - get_bit(d, n)) f");
my @other = grep { !/^(taken|malformed release (description|parameters)|type with OID \d+ does not exist|cache lookup failed .*)$/ } keys %flipped;
is("@other", '', 'with any bit changed it is refused as malformed, or taken as another')
  or diag(join "\n", map { "$_: $flipped{$_}" } sort keys %flipped);
cmp_ok($flipped{$malformed}, '>', 2 * $length, 'most changes of what is no name are noticed') or diag(join "\n", map { "$_: $flipped{$_}" } sort keys %flipped);

# Numbers and kinds beyond all that there may be, at each place.
my %numbers = map { /(.*)\|(\d+)/ } split /\n/, outcomes("generate_series(22, $length - 2) n, (VALUES (-1), (-2), (255), (256), (32767), (-32768)) v (v), "
	  . 'LATERAL (SELECT set_byte(set_byte(d, n, v >> 8 & 255), n + 1, v & 255)) f (f)');
@other = grep { !/^(taken|malformed release (description|parameters)|type with OID \d+ does not exist|cache lookup failed .*)$/ } keys %numbers;
is("@other", '', 'and so with any number changed') or diag(join "\n", map { "$_: $numbers{$_}" } sort keys %numbers);

# Linear combinations have parts of their own.
my ($linear, $bounds) = planned('SELECT dp_sum(cost), dp_sum(2 * cost + 1), dp_avg(1 - cost) FROM visits');

$node->safe_psql('postgres', <<"SQL");
CREATE FUNCTION linear(description bytea) RETURNS text LANGUAGE plpgsql AS \$\$
BEGIN
	PERFORM dp_agg.collect(description, $bounds, cost), dp_agg.individual(description, $bounds, cost) FROM rows;
	RETURN 'taken';
EXCEPTION WHEN OTHERS THEN
	RETURN CASE WHEN SQLERRM ~ '^(malformed release (description|parameters)|cache lookup failed .*)\$' THEN 'refused' ELSE SQLERRM END;
END \$\$;
SQL
my $bits = 8 * length $linear;
like($node->safe_psql('postgres', "WITH d (d) AS MATERIALIZED (SELECT decode('${\ unpack 'H*', $linear}', 'hex'))
	SELECT string_agg(DISTINCT linear(f), ',' ORDER BY linear(f)) FROM d, generate_series(0, $bits - 1) n, set_bit(d, n, 1 - get_bit(d, n)) f"), qr/^refused,taken$/, 'so with linear combinations');
is($node->safe_psql('postgres', "SELECT linear(decode('${\ unpack 'H*', $linear}', 'hex')), linear(substr(decode('${\ unpack 'H*', $linear}', 'hex'), 1, 400))"), 'taken|refused', 'which are taken as they are');
is($node->safe_psql('postgres', "SELECT count(*) FROM rows"), '40', 'the server stands');

$node->stop;
done_testing();
