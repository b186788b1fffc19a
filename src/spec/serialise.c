/*
 * serialise.c
 *		Writes and reads the description of a release; the format is in serialise.h.
 *
 * One function for each part of the description does both, so that they cannot disagree:
 * it passes each field, with the values that it may have, to a function that either writes
 * the field's value, or reads it from the bytes and returns it.
 *
 * SQL can hand any bytes to the internal aggregates.  So whatever follows a number, a
 * position or a kind of a description that has been read may rely on what is checked here.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/transam.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "utils/numeric.h"

#include "core/errors.h"
#include "core/limits.h"
#include "mechanism/noise.h"
#include "spec/serialise.h"
#include "spec/spec.h"

#define SPEC_MAGIC 0x44507264
#define SPEC_VERSION 7

/* Where fields at fixed places begin. */
#define SPEC_ID_AT (sizeof(uint32) + sizeof(uint16))
#define SPEC_ACCOUNT_REQUIRED_AT (SPEC_ID_AT + DP_SPEC_ID_BYTES)

/* The bytes of a description, and what happens to them. */
typedef struct SpecBytes
{
	StringInfoData buffer;
	bool		reading;		/* else they are being written */
} SpecBytes;

/* ----------
 * Fields
 * ----------
 */

/* Stops unless the description, be it written or read, is as it must be. */
static void
require(bool condition)
{
	if (!condition)
		malformed("release description");
}

/* The next bytes that are read. */
static const char *
next_bytes(SpecBytes *bytes, int length)
{
	require(length <= bytes->buffer.len - bytes->buffer.cursor);
	return pq_getmsgbytes(&bytes->buffer, length);
}

/* 0 .. highest, in one byte: kinds and the like */
static int
pass_byte(SpecBytes *bytes, int value, int highest)
{
	if (bytes->reading)
		value = (uint8) *next_bytes(bytes, 1);
	require(value >= 0 && value <= highest);
	if (!bytes->reading)
		pq_sendint8(&bytes->buffer, (uint8) value);
	return value;
}

/* By its address: what is read is not set before, and no bool has any byte as its value. */
static void
pass_bool(SpecBytes *bytes, bool *value)
{
	*value = pass_byte(bytes, !bytes->reading && *value ? 1 : 0, 1) != 0;
}

/* lowest .. highest, in two bytes with a sign */
static int
pass_number(SpecBytes *bytes, int value, int lowest, int highest)
{
	if (bytes->reading)
	{
		uint16		read;

		memcpy(&read, next_bytes(bytes, sizeof(read)), sizeof(read));
		value = (int16) pg_ntoh16(read);
	}
	require(value >= lowest && value <= highest);
	if (!bytes->reading)
		pq_sendint16(&bytes->buffer, (uint16) value);
	return value;
}

/* The position of one of n entries. */
static int
pass_position(SpecBytes *bytes, int value, int n)
{
	return pass_number(bytes, value, 0, n - 1);
}

/* The position of one of n entries, or DP_NONE. */
static int
pass_choice(SpecBytes *bytes, int value, int n)
{
	return pass_number(bytes, value, DP_NONE, n - 1);
}

static uint32
pass_uint32(SpecBytes *bytes, uint32 value)
{
	if (bytes->reading)
	{
		memcpy(&value, next_bytes(bytes, sizeof(value)), sizeof(value));
		return pg_ntoh32(value);
	}
	pq_sendint32(&bytes->buffer, value);
	return value;
}

/* A finite number. */
static double
pass_double(SpecBytes *bytes, double value)
{
	if (bytes->reading)
	{
		require(bytes->buffer.len - bytes->buffer.cursor >= (int) sizeof(float8));
		value = pq_getmsgfloat8(&bytes->buffer);
	}
	require(isfinite(value));
	if (!bytes->reading)
		pq_sendfloat8(&bytes->buffer, value);
	return value;
}

/* A text in a field of a size. */
static void
pass_text(SpecBytes *bytes, char *text, int size)
{
	int			length = pass_number(bytes, bytes->reading ? 0 : (int) strlen(text), 0, size - 1);

	if (bytes->reading)
	{
		memcpy(text, next_bytes(bytes, length), length);
		text[length] = '\0';
		require((int) strlen(text) == length);
	}
	else
		pq_sendbytes(&bytes->buffer, text, length);
}

/* The position of a parameter of a kind, or 0. */
static int
pass_param(SpecBytes *bytes, const ReleaseSpec *spec, int value, SpecParamKind kind)
{
	value = pass_position(bytes, value, spec->nparams);
	require(value == 0 || spec->param_kinds[value] == kind);
	return value;
}

/* The position of a lower bound, or 0. */
static int
pass_bound(SpecBytes *bytes, const ReleaseSpec *spec, int value)
{
	value = pass_position(bytes, value, spec->nparams);
	require(value == 0 || spec->param_kinds[value] == SPEC_PARAM_LOWER_WRITTEN ||
			spec->param_kinds[value] == SPEC_PARAM_LOWER_DERIVED);
	return value;
}

/* ----------
 * Entries
 * ----------
 */

/* A lower bound is followed by its upper one. */
static void
pass_param_kinds(SpecBytes *bytes, ReleaseSpec *spec)
{
	bool		lower = false;

	for (int i = 0; i < spec->nparams; i++)
	{
		SpecParamKind kind = pass_byte(bytes, spec->param_kinds[i], SPEC_PARAM_NUMBER);

		require((kind == SPEC_PARAM_SETTING) == (i < DP_PARAM_FIRST_OTHER));
		require((kind == SPEC_PARAM_UPPER) == lower);
		lower = kind == SPEC_PARAM_LOWER_WRITTEN || kind == SPEC_PARAM_LOWER_DERIVED;
		spec->param_kinds[i] = kind;
	}
	require(!lower);
}

static void
pass_argument(SpecBytes *bytes, const ReleaseSpec *spec, SpecArgument *argument)
{
	argument->type = pass_byte(bytes, argument->type, SPEC_ARG_INTERVAL);
	argument->typmod = (int32) pass_uint32(bytes, (uint32) argument->typmod);
	argument->bound = pass_bound(bytes, spec, argument->bound);
	pass_bool(bytes, &argument->total);
	require(!argument->total || argument->bound != 0);
}

static void
pass_set(SpecBytes *bytes, const ReleaseSpec *spec, SpecSet *set)
{
	set->x = pass_choice(bytes, set->x, spec->narguments);
	set->y = pass_choice(bytes, set->y, spec->narguments);
	pass_bool(bytes, &set->every_row);
}

/* Is it the position of an argument whose values are read as numbers? */
static bool
has_values(const ReleaseSpec *spec, int argument)
{
	return argument != DP_NONE && spec->arguments[argument].bound != 0;
}

static void
pass_feature(SpecBytes *bytes, const ReleaseSpec *spec, SpecFeature *feature)
{
	const SpecSet *set;

	feature->kind = pass_byte(bytes, feature->kind, SPEC_FEATURE_XY);
	feature->set = pass_position(bytes, feature->set, spec->nsets);
	feature->ones = pass_position(bytes, feature->ones, spec->nfeatures);
	set = &spec->sets[feature->set];
	require(!feature_reads_x(feature->kind) || has_values(spec, set->x));
	require(!feature_reads_y(feature->kind) || has_values(spec, set->y));
}

static void
pass_coordinate(SpecBytes *bytes, const ReleaseSpec *spec, SpecCoordinate *coordinate)
{
	int			kind = 0;

	coordinate->feature = pass_choice(bytes, coordinate->feature, spec->nfeatures);
	coordinate->sketch = pass_choice(bytes, coordinate->sketch, spec->nsketches);
	coordinate->imputation = pass_byte(bytes, coordinate->imputation, SPEC_IMPUTE_ZERO);
	if (!bytes->reading)
		kind = coordinate->clipped ? 2 : coordinate->presence ? 1 : 0;
	kind = pass_byte(bytes, kind, 2);
	coordinate->presence = kind == 1;
	coordinate->clipped = kind == 2;
	coordinate->copy = pass_byte(bytes, coordinate->copy, PG_UINT8_MAX);
	require((coordinate->feature == DP_NONE) != (coordinate->sketch == DP_NONE));
}

static void
pass_moment(SpecBytes *bytes, const ReleaseSpec *spec, SpecMoment *moment)
{
	pass_bool(bytes, &moment->individuals);
	moment->nterms = pass_number(bytes, moment->nterms, 0, DP_MOMENT_TERMS);
	for (int i = 0; i < moment->nterms; i++)
	{
		moment->terms[i].coordinate = pass_position(bytes, moment->terms[i].coordinate,
													spec->dimensions);
		moment->terms[i].weight = pass_double(bytes, moment->terms[i].weight);
	}
}

static void
pass_sketch(SpecBytes *bytes, const ReleaseSpec *spec, SpecSketch *sketch)
{
	sketch->kind = pass_byte(bytes, sketch->kind, SPEC_SKETCH_DISTINCT);
	sketch->scheme = pass_byte(bytes, sketch->scheme, SPEC_SCHEME_BINS);
	sketch->type = pass_byte(bytes, sketch->type, SPEC_ARG_INTERVAL);
	sketch->typmod = (int32) pass_uint32(bytes, (uint32) sketch->typmod);
	sketch->value_type = pass_uint32(bytes, sketch->value_type);
	sketch->collation = pass_uint32(bytes, sketch->collation);
	sketch->bound = pass_bound(bytes, spec, sketch->bound);
	sketch->buckets = pass_param(bytes, spec, sketch->buckets, SPEC_PARAM_NUMBER);
	pass_bool(bytes, &sketch->complete);
	require(!sketch->complete ||
			(sketch->kind == SPEC_SKETCH_CELLS && sketch->scheme != SPEC_SCHEME_BINS));
	pass_bool(bytes, &sketch->shares);
	require(!sketch->shares || sketch->kind == SPEC_SKETCH_VALUES);
	if (sketch->kind != SPEC_SKETCH_CELLS)
		return;
	require(sketch->type != SPEC_ARG_ANY);
	require(sketch->scheme == SPEC_SCHEME_BINS || sketch->bound != 0);
	require(sketch->scheme != SPEC_SCHEME_BUCKETS || sketch->buckets != 0);
}

static void
pass_part(SpecBytes *bytes, const ReleaseSpec *spec, SpecPart *part)
{
	bool		of_values;

	part->kind = pass_byte(bytes, part->kind, SPEC_PART_BOUNDS);
	part->sketch = pass_position(bytes, part->sketch, spec->nsketches);
	part->ntargets = pass_number(bytes, part->ntargets, 0, spec->ntargets);
	of_values = part->kind == SPEC_PART_MODE || part->kind == SPEC_PART_TOP;
	require(spec->sketches[part->sketch].kind ==
			(of_values ? SPEC_SKETCH_VALUES : SPEC_SKETCH_CELLS));
}

static void
pass_target(SpecBytes *bytes, const ReleaseSpec *spec, SpecTarget *target)
{
	target->kind = pass_byte(bytes, target->kind, SPEC_TARGET_MAX);
	target->end = pass_byte(bytes, target->end, SPEC_END_HIGH);
	target->part = pass_position(bytes, target->part, spec->nparts);
	target->fraction = pass_param(bytes, spec, target->fraction, SPEC_PARAM_FRACTION);
	pass_bool(bytes, &target->reversed);
	target->level = pass_param(bytes, spec, target->level, SPEC_PARAM_LEVEL);
	require(target->kind != SPEC_TARGET_QUANTILE || target->fraction != 0);
	require(target->end == SPEC_END_NONE || target->level != 0);
}

/* Each part has as many targets as it says. */
static void
check_targets(const ReleaseSpec *spec)
{
	int			ntargets[DP_MAX_PARTS] = {0};

	for (int i = 0; i < spec->ntargets; i++)
		ntargets[spec->targets[i].part]++;
	for (int i = 0; i < spec->nparts; i++)
		require(spec->parts[i].ntargets == ntargets[i]);
}

/* What the kind of an output needs. */
static void
check_output(const ReleaseSpec *spec, const SpecOutput *output)
{
	require(output->end == SPEC_END_NONE || output->level != 0);
	if (is_moment_output(output))
	{
		require(output->part == DP_NONE && output->moments[SPEC_MOMENT_N] != DP_NONE);
		require((output->kind != SPEC_OUT_SUM && !is_boolean_output(output)) ||
				output->moments[SPEC_MOMENT_X] != DP_NONE);
		require(output->first_term + output->nterms <= spec->nterms);
		require(output->nterms == 0 || output->kind == SPEC_OUT_SUM || output->kind == SPEC_OUT_AVG);
		return;
	}
	if (output->kind == SPEC_OUT_TIER)
	{
		require(output->part == DP_NONE && output->end == SPEC_END_NONE);
		return;
	}
	require(output->part != DP_NONE);
	require(output->kind != SPEC_OUT_TOP || output->number != 0);
	require(!is_ordered_output(output) || spec->parts[output->part].kind == SPEC_PART_TOP);
	require(output->kind != SPEC_OUT_RANK || output->ntargets == 1);
	require(output->first_target + output->ntargets <= spec->ntargets);
	for (int i = 0; i < output->ntargets; i++)
		require(spec->targets[output->first_target + i].part == output->part);
}

static void
pass_digits(SpecBytes *bytes, SpecDigits *digits)
{
	digits->rounding = pass_byte(bytes, digits->rounding, SPEC_ROUND_WIDTH);
	digits->scale = pass_number(bytes, digits->scale, -NUMERIC_MAX_PRECISION, NUMERIC_MAX_PRECISION);
}

static void
pass_term(SpecBytes *bytes, const ReleaseSpec *spec, SpecTerm *term)
{
	term->weight = pass_double(bytes, term->weight);
	term->bound = pass_bound(bytes, spec, term->bound);
	term->n = pass_position(bytes, term->n, spec->nmoments);
	term->x = pass_position(bytes, term->x, spec->nmoments);
	pass_digits(bytes, &term->digits);
	require(term->bound != 0);
}

static void
pass_output(SpecBytes *bytes, const ReleaseSpec *spec, SpecOutput *output)
{
	output->kind = pass_byte(bytes, output->kind, SPEC_OUT_LIST);
	output->end = pass_byte(bytes, output->end, SPEC_END_HIGH);
	output->level = pass_param(bytes, spec, output->level, SPEC_PARAM_LEVEL);
	output->type = pass_uint32(bytes, output->type);
	pass_digits(bytes, &output->digits);
	output->nterms = pass_byte(bytes, output->nterms, DP_FORM_TERMS);
	output->first_term = output->nterms == 0 ? 0 :
		pass_number(bytes, output->first_term, 0, spec->nterms);
	output->shift = output->nterms == 0 ? 0 : pass_double(bytes, output->shift);
	output->bound_x = pass_bound(bytes, spec, output->bound_x);
	output->bound_y = pass_bound(bytes, spec, output->bound_y);
	for (int i = 0; i < SPEC_MOMENT_KINDS; i++)
		output->moments[i] = pass_choice(bytes, output->moments[i], spec->nmoments);
	output->part = pass_choice(bytes, output->part, spec->nparts);
	output->first_target = pass_number(bytes, output->first_target, 0, spec->ntargets);
	output->ntargets = pass_number(bytes, output->ntargets, 0, spec->ntargets);
	output->number = pass_param(bytes, spec, output->number, SPEC_PARAM_NUMBER);
	output->order = is_ordered_output(output) ? pass_uint32(bytes, output->order) : InvalidOid;
	require(!is_ordered_output(output) ||
			(OidIsValid(output->order) && output->order < FirstNormalObjectId));
	pass_text(bytes, output->name, sizeof(output->name));
	check_output(spec, output);
}

/* ----------
 * The whole
 * ----------
 */

/* DP_SPEC_ID_BYTES bytes */
static void
pass_id(SpecBytes *bytes, unsigned char *id)
{
	if (bytes->reading)
		memcpy(id, next_bytes(bytes, DP_SPEC_ID_BYTES), DP_SPEC_ID_BYTES);
	else
		pq_sendbytes(&bytes->buffer, (const char *) id, DP_SPEC_ID_BYTES);
}

/* What stands at fixed places. */
static void
pass_header(SpecBytes *bytes, ReleaseSpec *spec)
{
	require(pass_uint32(bytes, SPEC_MAGIC) == SPEC_MAGIC);
	(void) pass_number(bytes, SPEC_VERSION, SPEC_VERSION, SPEC_VERSION);
	pass_id(bytes, spec->id);
	pass_bool(bytes, &spec->account_required);
	pass_bool(bytes, &spec->delta_asked);
	pass_bool(bytes, &spec->concentrated);
}

/* Numbers of entries. */
static void
pass_counts(SpecBytes *bytes, ReleaseSpec *spec)
{
	spec->dimensions = pass_number(bytes, spec->dimensions, 1, DP_MAX_DIMENSIONS);
	spec->nkeys = pass_number(bytes, spec->nkeys, 0, MaxTupleAttributeNumber);
	spec->nparams = pass_number(bytes, spec->nparams, DP_PARAM_FIRST_OTHER, DP_MAX_PARAMS);
	spec->narguments = pass_number(bytes, spec->narguments, 0, DP_MAX_ARGUMENTS);
	spec->nsets = pass_number(bytes, spec->nsets, 0, DP_MAX_SETS);
	spec->nfeatures = pass_number(bytes, spec->nfeatures, 0, DP_MAX_FEATURES);
	spec->nmoments = pass_number(bytes, spec->nmoments, 0, DP_MAX_MOMENTS);
	spec->nsketches = pass_number(bytes, spec->nsketches, 0, DP_MAX_SKETCHES);
	spec->nparts = pass_number(bytes, spec->nparts, 0, DP_MAX_PARTS);
	spec->ntargets = pass_number(bytes, spec->ntargets, 0, DP_MAX_TARGETS);
	spec->noutputs = pass_number(bytes, spec->noutputs, 0, DP_MAX_OUTPUTS);
	spec->nterms = pass_number(bytes, spec->nterms, 0, DP_MAX_TERMS);
	spec->nproofs = pass_number(bytes, spec->nproofs, 0, DP_MAX_PROOFS);
	spec->nreferences = pass_number(bytes, spec->nreferences, 0, DP_MAX_REFERENCES);
}

/* The entries; each may only name entries that stand before it, or whose number is known. */
static void
pass_entries(SpecBytes *bytes, ReleaseSpec *spec)
{
	pass_param_kinds(bytes, spec);
	for (int i = 0; i < spec->narguments; i++)
		pass_argument(bytes, spec, &spec->arguments[i]);
	for (int i = 0; i < spec->nsets; i++)
		pass_set(bytes, spec, &spec->sets[i]);
	for (int i = 0; i < spec->nfeatures; i++)
		pass_feature(bytes, spec, &spec->features[i]);
	for (int i = 1; i < spec->dimensions; i++)
		pass_coordinate(bytes, spec, &spec->coordinates[i]);
	for (int i = 0; i < spec->nmoments; i++)
		pass_moment(bytes, spec, &spec->moments[i]);
	for (int i = 0; i < spec->nsketches; i++)
		pass_sketch(bytes, spec, &spec->sketches[i]);
	for (int i = 0; i < spec->nparts; i++)
		pass_part(bytes, spec, &spec->parts[i]);
	for (int i = 0; i < spec->ntargets; i++)
		pass_target(bytes, spec, &spec->targets[i]);
	check_targets(spec);
	for (int i = 0; i < spec->nterms; i++)
		pass_term(bytes, spec, &spec->terms[i]);
	for (int i = 0; i < spec->noutputs; i++)
		pass_output(bytes, spec, &spec->outputs[i]);
	for (int i = 0; i < spec->nproofs; i++)
		spec->proofs[i] = pass_uint32(bytes, spec->proofs[i]);
	for (int i = 0; i < spec->nreferences; i++)
		spec->references[i] = pass_uint32(bytes, spec->references[i]);
}

/* How contributions are bounded. */
static void
pass_bounding(SpecBytes *bytes, ReleaseSpec *spec)
{
	pass_bool(bytes, &spec->whole);
	pass_bool(bytes, &spec->rows_asked);
	pass_bool(bytes, &spec->groups_asked);
	pass_bool(bytes, &spec->by_total);
	pass_bool(bytes, &spec->weighed);
	spec->possible_groups = (int32) pass_uint32(bytes, (uint32) spec->possible_groups);
	require(spec->possible_groups >= 1 && spec->possible_groups <= DP_MAX_GROUPS);
	spec->norm = (int32) pass_uint32(bytes, (uint32) spec->norm);
	require(spec->norm >= DP_NORM_OF_LIMITS && spec->norm <= DP_MAX_TOTAL);
	spec->rows = pass_choice(bytes, spec->rows, spec->nfeatures);
	require(!spec->by_total || (spec->grouped && !spec->streamed && !spec->whole));
	require(!spec->whole || spec->nsketches == 0);
	require(spec->by_total == (spec->rows != DP_NONE) && (spec->by_total || !spec->weighed));
}

/* By total, parts choose by the weights of cells, and nothing is a set of values. */
static void
check_parts_by_total(const ReleaseSpec *spec)
{
	for (int i = 0; spec->by_total && i < spec->nsketches; i++)
		require(spec->sketches[i].kind == SPEC_SKETCH_CELLS);
	for (int i = 0; spec->by_total && i < spec->nparts; i++)
		require(part_weighs_cells(spec->parts[i].kind));
}

/* Which of several grouping sets the release is. */
static void
pass_grouping(SpecBytes *bytes, SpecGrouping *grouping)
{
	grouping->number = pass_number(bytes, grouping->number, 0, DP_MAX_GROUPING_SETS);
	if (grouping->number == 0)
		return;
	grouping->count = pass_number(bytes, grouping->count, grouping->number, DP_MAX_GROUPING_SETS);
	pass_id(bytes, grouping->id);
	grouping->part = (int32) pass_uint32(bytes, (uint32) grouping->part);
	grouping->whole = (int32) pass_uint32(bytes, (uint32) grouping->whole);
	require(grouping->part >= 1 && grouping->part <= grouping->whole);
	pass_text(bytes, grouping->name, sizeof(grouping->name));
}

static void
pass_spec(SpecBytes *bytes, ReleaseSpec *spec)
{
	pass_header(bytes, spec);
	pass_counts(bytes, spec);
	pass_bool(bytes, &spec->numeric);
	pass_bool(bytes, &spec->streamed);
	pass_bool(bytes, &spec->grouped);
	require(spec->grouped == (spec->nkeys > 0));
	pass_bounding(bytes, spec);
	pass_grouping(bytes, &spec->grouping);
	spec->relid = pass_uint32(bytes, spec->relid);
	pass_text(bytes, NameStr(spec->population), NAMEDATALEN);
	pass_text(bytes, spec->relations, sizeof(spec->relations));
	pass_text(bytes, spec->output_names, sizeof(spec->output_names));
	spec->nquasi_keys = pass_number(bytes, spec->nquasi_keys, 0, PG_INT16_MAX);
	pass_text(bytes, spec->quasi_keys, sizeof(spec->quasi_keys));
	pass_entries(bytes, spec);
	check_parts_by_total(spec);
}

/* A description as bytes, in the current memory context; it stays as it is. */
bytea *
spec_write(ReleaseSpec *spec)
{
	SpecBytes	bytes = {.reading = false};

	pq_begintypsend(&bytes.buffer);
	pass_spec(&bytes, spec);
	return pq_endtypsend(&bytes.buffer);
}

/*
 * Reads a description, a bytea of any make; elog if it is malformed.  Entries that are not
 * in use are not set: they take most of the struct's 26 kB, and nobody looks at them.
 */
void
spec_read_into(ReleaseSpec *spec, Datum description)
{
	struct varlena *plain = PG_DETOAST_DATUM_PACKED(description);
	SpecBytes	bytes = {.reading = true};

	bytes.buffer.data = VARDATA_ANY(plain);
	bytes.buffer.len = bytes.buffer.maxlen = (int) VARSIZE_ANY_EXHDR(plain);
	memset(spec, 0, offsetof(ReleaseSpec, proofs));
	memset(&spec->coordinates[0], 0, sizeof(SpecCoordinate));
	pass_spec(&bytes, spec);
	require(bytes.buffer.cursor == bytes.buffer.len);
}

/* The same, allocated in a memory context. */
ReleaseSpec *
spec_read(Datum description, MemoryContext context)
{
	ReleaseSpec *spec = MemoryContextAlloc(context, sizeof(ReleaseSpec));

	spec_read_into(spec, description);
	return spec;
}

/* The byte at a place of a description that is stored as it is, and those after it; or NULL. */
static const char *
peek(Datum description, Size place, Size length)
{
	const struct varlena *stored = (const struct varlena *) DatumGetPointer(description);

	if (VARATT_IS_EXTERNAL(stored) || VARATT_IS_COMPRESSED(stored) ||
		VARSIZE_ANY_EXHDR(stored) < place + length)
		return NULL;
	return VARDATA_ANY(stored) + place;
}

/* The id, without a look at the rest; NULL if the bytes cannot be a description. */
const unsigned char *
spec_peek_id(Datum description)
{
	return (const unsigned char *) peek(description, SPEC_ID_AT, DP_SPEC_ID_BYTES);
}

/* The same of a plan's description: must an account pay for the release? */
bool
spec_peek_account_required(Datum description)
{
	const char *flag = peek(description, SPEC_ACCOUNT_REQUIRED_AT, 1);

	return flag == NULL || *flag != 0;
}
