# What ClickBench asks (test/questions/clickbench.sql), of a table whose administrator has declared its bounds and
# lengths: 34 of 43 queries run and are near plain SQL; the others list rows or single people, and are refused.

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Cluster;
use DpAgg;
use Questions;

my $node = DpAgg::node('clickbench', roles => [qw(analyst)], conf => 'dp_agg.epsilon = 1000');

Questions::set_up($node, 'clickbench_setup.sql');

my @questions = Questions::of_file('clickbench.sql');

is(@questions, 43, 'all are there');
Questions::check($node, 'analyst', @questions);
is((grep { !$_->{state} } @questions), 34, 'so many run');
is(join(' ', map { $_->{kind} =~ /(\d+)/ } grep { $_->{state} } @questions), '16 17 18 19 20 24 25 26 27', 'refused are rows, and people one by one');

# Bounds of the length of a text are asked for by name.
my $r = DpAgg::refused($node, 'analyst', 'SELECT avg(length(Title)) FROM hits', 'DP003', 'a text without a length');

like($r->{err}, qr/^HINT:.*dp_agg\.set_length\('public\.hits', 'title', characters\)/m, '... and what to declare');

$node->stop;
done_testing();
