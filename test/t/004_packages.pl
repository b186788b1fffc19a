# What goes around with dp_agg, beside the files that PGXS installs: META.json is what PGXN's
# specification says; debian/, META.json and the Dockerfile agree with dp_agg.control and with each
# other about versions, licence and files.
#
# Building and using what they describe takes clean systems: make test-packages.

use strict;
use warnings;
use Test::More;
use JSON::PP;
use PostgreSQL::Test::Utils;

sub version_in_control
{
	return (slurp_file('dp_agg.control') =~ /^default_version = '(\d+\.\d+)'$/m)[0];
}

# ---------- META.json ----------

my $semver = qr/(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2}(?:-?[A-Za-z][0-9A-Za-z-]*)?/;
my $range = qr/(?:(?:<|<=|>|>=|==|!=)\s*)?(?:$semver|0)/;
my $term = qr/[^\s\/\\\x00-\x1f\x7f]{2,}/;

# violations(META): what PGXN Meta Spec 1.0.0 does not allow, of what it says of types and
# values.
sub violations
{
	my ($meta) = @_;
	my %known = map { $_ => 1 } qw(name version abstract maintainer license provides meta-spec
	  description generated_by no_index prereqs release_status resources tags);
	my @wrong = map { "no $_" } grep { !$meta->{$_} } qw(name version abstract maintainer license provides meta-spec);

	push @wrong, map { "unknown: $_" } grep { !$known{$_} && !/^x_/i } keys %$meta;
	push @wrong, "name $meta->{name}" unless $meta->{name} =~ /\A$term\z/;
	push @wrong, "version $meta->{version}" unless $meta->{version} =~ /\A$semver\z/;
	push @wrong, 'license' unless grep { $_ eq $meta->{license} } qw(postgresql bsd mit apache_2_0 gpl_2 gpl_3);
	push @wrong, 'release_status' unless grep { $_ eq ($meta->{release_status} // 'stable') } qw(stable testing unstable);
	push @wrong, 'meta-spec' unless $meta->{'meta-spec'}{version} eq '1.0.0';
	foreach my $name (keys %{ $meta->{provides} })
	{
		my $provided = $meta->{provides}{$name};
		push @wrong, "provides $name" unless $name =~ /\A$term\z/ && $provided->{version} =~ /\A$semver\z/;
		push @wrong, map { "no file $_" } grep { !defined || !-f } @{$provided}{qw(file docfile)};
	}
	foreach my $phase (keys %{ $meta->{prereqs} })
	{
		push @wrong, "phase $phase" unless $phase =~ /\A(?:configure|build|test|runtime|develop)\z/;
		foreach my $relation (keys %{ $meta->{prereqs}{$phase} })
		{
			push @wrong, "relation $relation" unless $relation =~ /\A(?:requires|recommends|suggests|conflicts)\z/;
			push @wrong, map { "range of $_" }
			  grep { $meta->{prereqs}{$phase}{$relation}{$_} !~ /\A$range(?:,\s*$range)*\z/ } keys %{ $meta->{prereqs}{$phase}{$relation} };
		}
	}
	push @wrong, map { "no_index $_" } grep { !/\A(?:file|directory)\z/ } keys %{ $meta->{no_index} };
	push @wrong, map { "nothing to leave out: $_" } grep { !-e } map { @$_ } values %{ $meta->{no_index} };
	push @wrong, map { "tag $_" } grep { length > 255 || /[\/\\\x00-\x1f\x7f]/ } @{ $meta->{tags} };
	push @wrong, map { "resource $_" } grep { !/\A(?:homepage|bugtracker|repository)\z/ && !/^x_/i } keys %{ $meta->{resources} };
	return join(', ', @wrong);
}

# changed(META, SUB): a copy, after what SUB does to it.
sub changed
{
	my ($meta, $sub) = @_;
	my $copy = decode_json(encode_json($meta));

	$sub->($copy);
	return $copy;
}

my $meta = decode_json(slurp_file('META.json'));
is(violations($meta), '', 'META.json is what the specification says');
foreach my $case (
	[ sub { delete $_[0]{provides} } => 'no provides' ],
	[ sub { $_[0]{version} = '1.1' } => 'version 1.1' ],
	[ sub { $_[0]{prereqs}{runtime}{requires}{PostgreSQL} = '15 to 18' } => 'range of PostgreSQL' ],
	[ sub { $_[0]{prereqs}{install} = {} } => 'phase install' ],
	[ sub { $_[0]{provides}{dp_agg}{file} = 'sql/none.sql' } => 'no file sql/none.sql' ],
	[ sub { $_[0]{licence} = 'postgresql' } => 'unknown: licence' ])
{
	is(violations(changed($meta, $case->[0])), $case->[1], "and would not be with: $case->[1]");
}

# ---------- versions ----------

my $version = version_in_control();
my ($released) = slurp_file('CHANGELOG.md') =~ /^## \[\Q$version\E\] - (\S+)$/m;
my ($debian, $distribution) = slurp_file('debian/changelog') =~ /\Adp-agg \((\S+)\) (\S+); urgency=/;
like($debian, qr/\A\Q$meta->{version}\E-\d+\z/, 'debian/changelog begins with the version of META.json');
is($distribution eq 'UNRELEASED', $released eq 'unreleased', 'and is released when CHANGELOG.md says so');
is($meta->{release_status} eq 'stable', $released ne 'unreleased', 'as META.json is');

# The versions of PostgreSQL: debian/control has a package for each.
my $template = slurp_file('debian/control.in');
my @paragraphs = split /\n\n+/, $template;
my @majors = slurp_file('debian/control') =~ /^Package: postgresql-(\d+)-dp-agg$/mg;
is(join("\n\n", map { s/\n+\z//r } map { my $p = $_; /PGVERSION/ ? map { $p =~ s/PGVERSION/$_/gr } @majors : $p } @paragraphs) . "\n",
	slurp_file('debian/control'), "debian/control is made of control.in, for @majors");
is("@majors", join(' ', $majors[0] .. $majors[-1]), 'without a gap');
is(slurp_file('debian/pgversions'), "$majors[0]+\n", 'debian/pgversions begins where they do');
is($meta->{prereqs}{runtime}{requires}{PostgreSQL}, ">= $majors[0].0.0, < @{[ $majors[-1] + 1 ]}.0.0", 'META.json wants the same');

# ---------- files ----------

# plain(TEXT): without the marks of the format of debian/copyright.
sub plain
{
	my ($text) = @_;

	$text =~ s/^ \.?//mg;
	return $text =~ s/\s+/ /gr;
}

my ($licence) = slurp_file('debian/copyright') =~ /^License: PostgreSQL\n( .*)\z/ms;
my ($terms) = slurp_file('LICENSE') =~ /^(Permission to use.*)\z/ms;
is(plain($licence), plain($terms), 'debian/copyright has the licence');

my $dockerfile = slurp_file('Dockerfile');
my @copied = map { split ' ' } $dockerfile =~ /^COPY (?!--from)(.*) \S+$/mg;
cmp_ok(scalar @copied, '>', 5, 'the Dockerfile copies files');
is(join(' ', grep { !-e } @copied), '', 'and they exist');
my @ports = slurp_file('compose.yaml') =~ /^\s+- "([^"]*:5432)"$/mg;
is(scalar(grep { /\A127\.0\.0\.1:/ } @ports), 1, 'compose.yaml publishes a port');
is(scalar @ports, 1, 'on this machine alone');
my @passwords = slurp_file('compose.yaml') =~ /^\s+\w*PASSWORD\w*\s*[:=]\s*(.*)$/mg;
is(scalar @passwords, 2, 'compose.yaml has two passwords');
is(join(' ', grep { !/\A\$\{\w+:\?[^}]+\}\z/ } @passwords), '', 'none of which it knows');
unlike($dockerfile, qr/PASSWORD/, 'nor does the image');

done_testing();
