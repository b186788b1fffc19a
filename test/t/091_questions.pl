# An analyst's questions, as people and tools write them (test/questions): each runs as it stands and
# is near plain SQL's answer, or is refused with a hint, and the query that the hint leads to runs.

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Cluster;
use DpAgg;
use Questions;

# How many run as they stand.  More is better; the number must not fall.
my $run_unchanged = 218;

my $node = DpAgg::node('questions', conf => 'dp_agg.epsilon = 300');

ok(Questions::near("a|1.01\n", "a|1\n", 0.02), 'near answers are told');
ok(!Questions::near($_, "a|1\n2024-01-01|3.5", 0.02), 'others, too')
  foreach "a|1.1\n2024-01-01|3.5", "b|1\n2024-01-01|3.5", "a|1\n2024-01-02|3.5", "a|1", "a|\n2024-01-01|3.5", "a|1\n2024-01-01|3.5\nb|1";

Questions::set_up($node, 'setup.sql');

my @questions = map { Questions::of_file($_) } qw(analysts.sql tools.sql);

Questions::check($node, 'analyst', @questions);
ok($_->{instead}, "$_->{kind}: the hint leads somewhere") foreach grep { $_->{state} } @questions;

my $unchanged = grep { !$_->{state} } @questions;
cmp_ok($unchanged, '>=', $run_unchanged, "$unchanged of " . @questions . ' questions run as they stand');
cmp_ok(keys %{ { map { $_->{kind} => 1 } @questions } }, '>=', 60, 'of kinds enough');

$node->stop;
done_testing();
