# make demo-web: the page asks as the analyst, draws what it is told, and shows what it cost; the
# server answers nobody but its own page.

use strict;
use warnings;
use Browser;
use DpAgg;
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $python = '/usr/bin/python3';
plan skip_all => 'no psycopg: Debian has it in package python3-psycopg' if !-x $python || system("$python -c 'import psycopg' 2>/dev/null") != 0;

use constant TIMEOUT => 2;

my $node = DpAgg::node('demo_web');
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE visits (patient_id int PRIMARY KEY, clinic text NOT NULL);
INSERT INTO visits SELECT p, 'clinic ' || p % 4 FROM generate_series(1, 4000) p;
SELECT dp_agg.protect('visits', unit => 'patient_id', population => 'patients');
SELECT dp_agg.set_budget('analyst', 'patients', epsilon => 40, delta => 1e-4);
SQL

sub query { return $node->safe_psql('postgres', $_[0]); }
sub spent { return query("SELECT releases_spent, epsilon_spent FROM dp_agg.budgets WHERE role = 'analyst'"); }

# ---------- the server ----------

my ($pid, $address);
$SIG{ALRM} = sub { die 'it takes too long' };
alarm 300;
{
	pipe my $in, my $out or die "could not make a pipe: $!";
	$pid = fork() // die "could not fork: $!";
	if ($pid == 0)
	{
		@ENV{qw(PGHOST PGPORT PGDATABASE PGUSER)} = ($node->host, $node->port, 'postgres', 'analyst');
		open STDOUT, '>&', $out;
		exec($python, 'demo/web/server.py', TIMEOUT) or POSIX::_exit(127);
	}
	close $out;
	chomp($address = <$in> // die 'the server says nothing');
}
END { kill 'KILL', $pid if $pid; }
my ($host, $port) = $address =~ m{^http://(127\.0\.0\.1):(\d+)/$} or die "no address: $address";
pass("it listens: $address");

my $hex = sprintf '%04X', $port;
is(join(' ', map { m/^ *\d+: (\w+):$hex \w+:\w+ 0A / ? $1 : () } map { -r $_ ? split(/\n/, slurp_file($_)) : () } '/proc/net/tcp', '/proc/net/tcp6'),
	'0100007F', 'on the loopback device alone');

# http(METHOD, PATH, { HEADER => VALUE }, BODY): status and body
sub http
{
	my ($method, $path, $headers, $body) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Timeout => 10) or die "could not connect: $@";
	my %headers = (Connection => 'close', defined $body ? ('Content-Length' => length $body) : (), %$headers);

	print $socket "$method $path HTTP/1.1\r\n", (map { my $n = $_; map { "$n: $_\r\n" } ref $headers{$n} ? @{ $headers{$n} } : $headers{$n} } sort keys %headers), "\r\n", $body // '';
	my $answer = join '', <$socket>;
	my ($status) = $answer =~ m{^HTTP/1\.\d (\d+)};
	my ($head, $content) = split /\r\n\r\n/, $answer, 2;

	return ($status // 'none', $content, $head);
}
my %good = (Host => "$host:$port", Origin => "http://$host:$port", 'Content-Type' => 'application/json');
my $count = 'SELECT clinic, count(*) AS n, dp_low(count(*)) AS n_low, dp_high(count(*)) AS n_high FROM visits GROUP BY clinic';
my $question = encode_json({ sql => $count, epsilon => 0.5 });

my ($status, $content, $head) = http('GET', '/', { Host => $good{Host} });
is($status, 200, 'the page is there');
like($head, qr/^Content-Security-Policy: default-src 'none'; script-src 'self';/m, '... and lets in no script but its own');
is((http('GET', $_, { Host => $good{Host} }))[0], 200, "and so is $_") foreach '/page.js', '/page.css';
is((http('GET', $_, { Host => $good{Host} }))[0], 404, "not $_") foreach '/server.py', '/../server.py', '/../../demo/run.sh', '//etc/passwd', '/%2e%2e/server.py', '/ask';
is((http('GET', '/', $_->[1]))[0], 403, "a page for another host: $_->[0]")
  foreach [ 'a name that was made to mean this machine', { Host => "evil.example:$port" } ], [ 'without port', { Host => $host } ], [ 'another port', { Host => "$host:1" } ], [ 'two of them', { Host => [ $good{Host}, 'evil.example' ] } ], [ 'none', {} ];

my @refused = (
	[ 403, 'no Origin', { Host => $good{Host}, 'Content-Type' => 'application/json' } ], [ 403, 'an Origin elsewhere', { %good, Origin => 'https://evil.example' } ], [ 403, 'the Origin of a file', { %good, Origin => 'null' } ],
	[ 403, 'an Origin that looks alike', { %good, Origin => "http://$host:$port.evil.example" } ], [ 403, 'another port', { %good, Origin => "http://$host:1" } ], [ 403, 'two of them', { %good, Origin => [ $good{Origin}, 'null' ] } ],
	[ 403, 'another Host', { %good, Host => "evil.example:$port", Origin => "http://evil.example:$port" } ], [ 415, 'a form', { %good, 'Content-Type' => 'text/plain' } ], [ 415, 'another', { %good, 'Content-Type' => 'application/x-www-form-urlencoded' } ]);
foreach my $path (qw(/ask /sweep /estimate /budget))
{
	foreach my $case (@refused)
	{
		is((http('POST', $path, $case->[2], $question))[0], $case->[0], "$path is refused: $case->[1]");
	}
}
is((http('POST', '/ask', \%good, $_->[1]))[0], $_->[2], "a question is refused: $_->[0]")
  foreach [ 'no JSON', 'sql=1', 400 ], [ 'a list', '[]', 400 ], [ 'nothing', '{}', 400 ], [ 'a number', '{"sql": 1}', 400 ], [ 'blanks', '{"sql": " "}', 400 ], [ 'no number', '{"sql": "SELECT 1", "epsilon": "1"}', 400 ],
  [ 'nothing spent', '{"sql": "SELECT 1", "epsilon": 0}', 400 ], [ 'true', '{"sql": "SELECT 1", "epsilon": true}', 400 ], [ 'not a number', '{"sql": "SELECT 1", "epsilon": NaN}', 400 ], [ 'a zero byte', '{"sql": "SELECT \u0000"}', 400 ], [ 'half a character', '{"sql": "SELECT \ud800"}', 400 ], [ 'too deep', '[' x 15000, 400 ],
  [ 'too long', encode_json({ sql => 'SELECT ' . '1' x 20000 }), 413 ];
is((http('POST', '/ask', { %good, 'Content-Length' => $_ }, ''))[0], 413, "a length of $_") foreach '-1', '1e9', '999999999999';
is((http('POST', '/other', \%good, $question))[0], 404, 'no such question');
is((http('PUT', '/ask', \%good, $question))[0], 501, 'no such method');
is(spent(), '0|0', 'and nothing was charged for any of it');

sub asked
{
	my ($path, $sql, $epsilon) = @_;
	my ($code, $json) = http('POST', $path, \%good, encode_json({ sql => $sql, epsilon => $epsilon // 0.5 }));

	is($code, 200, "asked: " . DpAgg::brief($sql));
	return decode_json($json);
}
{
	my $found = asked('/ask', $count);

	is(join(' ', @{ $found->{answer}->{columns} }), 'clinic n n_low n_high', 'columns');
	is(scalar(grep { $_->[2] <= $_->[1] && $_->[1] <= $_->[3] && abs($_->[1] - 1000) < 60 } @{ $found->{answer}->{rows} }), 4, 'four clinics');
	is("$found->{before}->[0]->{epsilon_spent} $found->{after}->[0]->{epsilon_spent}", '0 0.5', 'before and after');
	is($found->{answer}->{outputs}->[0]->{output}, 'count(*)', 'and how sharp it is');
	is(spent(), '1|0.5', 'which is what was charged');
	is(asked('/ask', 'SELECT current_user, session_user')->{answer}->{rows}->[0]->[$_], 'analyst', 'it is the analyst') foreach 0, 1;
	is(asked('/ask', 'SELECT * FROM visits')->{answer}->{sqlstate}, '42501', 'who reads no row');
	is(asked('/ask', 'RESET SESSION AUTHORIZATION; SELECT * FROM visits')->{answer}->{sqlstate}, '42501', '... whoever it wants to be');
	is(asked('/ask', 'SELECT 1/0')->{answer}->{sqlstate}, '22012', 'an error is told');
	is_deeply(asked('/ask', q{SELECT 'NaN'::float8, 1e308::numeric * 1e10, 2::numeric, NULL, true, '{1}'::int[]})->{answer}->{rows}, [ [ 'nan', '1' . '0' x 318, 2, undef, JSON::PP::true, '[1]' ] ], 'values that JSON has not');
	is(asked('/ask', 'BEGIN; SELECT 1/0')->{answer}->{sqlstate}, '22012', 'also in a transaction');
	is(length asked('/ask', q{SELECT repeat('x', 100000)})->{answer}->{rows}->[0]->[0], 2003, 'long values are cut off');
	is(asked('/ask', 'COPY (SELECT 1) TO STDOUT')->{answer}->{rows}, undef, 'COPY is none of its ways');
	my $many = asked('/ask', 'SELECT generate_series(1, 501)')->{answer};
	is(@{ $many->{rows} } . " $many->{cut}", '500 1', 'many rows are cut off');
	asked('/ask', 'SET dp_agg.max_rows = 3');
	is(asked('/ask', 'SHOW dp_agg.max_rows')->{answer}->{rows}->[0]->[0], '0', 'what one question sets is not there for the next');
	is(asked('/ask', 'SELECT pg_sleep(30)')->{answer}->{sqlstate}, '57014', 'what takes long is ended');
	my $began = time;
	is(asked('/ask', 'SET statement_timeout = 0; SELECT pg_sleep(600)')->{answer}->{sqlstate}, '57014', '... whatever it sets');
	cmp_ok(time - $began, '<', 60, '... in time');
	is(asked('/ask', 'SELECT pg_terminate_backend(pg_backend_pid())')->{answer}->{sqlstate} // '57P01', '57P01', 'a session that ends takes no other along');
	is(asked('/ask', 'SELECT 1')->{answer}->{rows}->[0]->[0], 1, '... there is the next');
}

# ---------- the page ----------

SKIP:
{
	my $why = Browser::missing();
	skip $why, 1 if $why;

	my $browser = Browser->new;
	my $type = sub { $browser->value('document.getElementById("sql").value = ' . JSON::PP->new->allow_nonref->encode($_[0])); return; };
	my $click = sub {
		$browser->value("document.getElementById('$_[0]').click()");
		$browser->until("!document.getElementById('$_[0]').disabled");
		return $browser->value('document.getElementById("result").innerText');
	};

	$browser->look('screen', 'light', 1000);
	$browser->open($address);
	$browser->until('document.querySelector("#budget .left")');
	is($browser->value('document.querySelector("#budget .left").textContent'), '39.5', 'the page says what is left');
	$type->($count);
	my $text = $click->('ask');
	like($text, qr/It cost epsilon 1: there were 39\.5, there are 38\.5 left/, 'asked, with the price');
	is($browser->value('document.querySelectorAll("#result svg .whisker").length'), 4, 'a bar for each clinic');
	is($browser->value('[...document.querySelectorAll("#result table")].length'), 2, 'with the rows, and how sharp it is');
	is($browser->value('document.querySelector("#budget .left").textContent'), '38.5', 'and what is left now');
	$browser->screenshot("$PostgreSQL::Test::Utils::log_path/demo-web-answer.png");

	my $before = spent();
	$type->('SELECT count(*) AS n, dp_low(count(*)) AS n_low, dp_high(count(*)) AS n_high FROM visits');
	$text = $click->('sweep');
	like($text, qr/It cost epsilon 4\.4: there were 38\.5, there are 34\.1 left/, 'at four prices');
	is(spent(), '6|5.9', 'which is what was charged');
	is($browser->value('[...document.querySelectorAll("#result tbody tr:first-child td")].length'), 5, 'a table with a column for each');
	my @widths = @{ $browser->value('[...document.querySelectorAll("#result figure:first-of-type .whisker")].map(e => e.getBBox().width)') };
	is(scalar @widths, 4, 'and a bar for each');
	cmp_ok($widths[$_], '>', 2 * $widths[ $_ + 1 ], '... ever narrower') foreach 0 .. 2;
	$browser->screenshot("$PostgreSQL::Test::Utils::log_path/demo-web-sweep.png");

	$before = spent();
	$text = $click->('estimate');
	if (query("SELECT to_regprocedure('dp_agg.estimate(text, text[], bigint)') IS NOT NULL") eq 't')
	{
		like($text, qr/What it would cost.*count\(\*\)/s, 'the price, and the error, before it is paid');
	}
	else
	{
		like($text, qr/The price is the epsilon that you chose, 1,/, 'the price');
	}
	$browser->screenshot("$PostgreSQL::Test::Utils::log_path/demo-web-estimate.png");
	is(spent(), $before, 'which is not paid');

	$type->('SELECT * FROM visits');
	like($click->('ask'), qr/42501 permission denied for table visits.*Write an aggregate.*It cost epsilon 0/s, 'a refusal, with its hint');
	my $markup = q{<img src=x onerror="document.title='owned'">};
	$type->(qq{SELECT '$markup' AS "$_->[0]", count(*) AS n, dp_low(count(*)) AS n_low, dp_high(count(*)) AS n_high FROM visits} =~ s/'owned'/1/gr) foreach [ $markup =~ s/"/""/gr =~ s/'owned'/1/r ];
	$text = $click->('ask');
	like($text, qr/<img src=x onerror="document.title=1">/, 'what an answer holds is text');
	is($browser->value('document.querySelectorAll("img, #result script").length'), 0, '... and no element');
	$type->(qq{SELECT "<img src=x>" FROM visits});
	like($click->('ask'), qr/column "<img src=x>" does not exist/, '... what an error holds is text, too');
	is($browser->value('document.querySelectorAll("img").length'), 0, '... and no element');
	is($browser->value('document.title'), 'dp_agg: ask, and learn about nobody', 'the title is what it was');
	is(join(' ', $browser->complaints), '', 'the browser has nothing to complain of');
	is(join(' ', grep { $_ !~ /^(\Q$address\E|data:,$)/ } $browser->requests), '', 'and asks nobody else');

	# pages of others: whatever they send is refused, before it costs
	$before = spent();
	$browser->open('data:text/html,<title>another</title>');
	foreach my $type ('text/plain', 'application/json')
	{
		is($browser->value("fetch('${address}ask', { method: 'POST', mode: '@{[ $type eq 'text/plain' ? 'no-cors' : 'cors' ]}', headers: { 'Content-Type': '$type' }, body: '{\"sql\": \"SELECT count(*) FROM visits\"}' }).then(r => r.type + r.status, e => 'refused')"),
			'refused', "another page asks, as $type");
	}
	is(spent(), $before, '... and nothing is charged');
}

kill 'TERM', $pid;
waitpid $pid, 0;
$pid = 0;
ok(!IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Timeout => 5), 'ended, it listens no more');
$node->stop;
done_testing();
