/*
 * label.c
 *		Security labels of provider "dp_agg": their grammar, checked when they
 *		are set and read back when a relation is looked up.
 *
 * A label is a JSON object.  On a table:
 *
 *		{"population": "patients", "unit_columns": 1, "max_groups": 4,
 *		 "max_rows": 10, "max_total": 40, "max_norm": 25, "columns": "listed", "facade": "dp.visits", "individuals": 1000000,
 *		 "rows_beyond": [0.4, 0.2, 0], "preview": true}
 *
 * "rows_beyond" says which shares of the rows are beyond the first 1, 2, 3, 5, ... of an
 * individual (measured.c); what is not there is 0.  "preview" lets analysts read synthetic rows.
 *
 * A relation that is linked to a parent has "parent", "parent_schema" and "link_columns" in the place
 * of "unit_columns" (links.c).
 *
 * On a column, any of:
 *
 *		{"unit": 1, "open": true,
 *		 "link": 1, "parent_key": "order_id",
 *		 "lower": 0, "upper": 5000, "bounds_type": "pg_catalog.numeric",
 *		 "domain": ["north", "south"], "domain_type": "pg_catalog.text",
 *		 "grain": "01:00:00", "length": 2000, "index": true,
 *		 "class": "direct_identifier", "processing": "masked", "remaining": 4}
 *
 * Bounds of dates and the like are numbers too (policy.h); a domain lists the
 * public values of a column as its type writes them.  Beside them stands the type that
 * they were declared for, or the one below it, if that is a domain: its schema and name.
 * If the column's type is of another kind now (kinds.c), they do not count.  Where no type
 * is named, as in labels written by hand, they do.  "index" lets releases look rows up by the
 * column's indexes, which no column of the unit may have.
 *
 * "class" is direct_identifier, quasi_identifier, sensitive or ordinary.  Beside it may
 * stand "processing": raw (which is meant where it is missing), masked, generalised,
 * pseudonymised or encrypted; with masked, "remaining": how many characters remain, an
 * integer of at least 0; with encrypted, "key_held": true or false, whether the receiver of
 * results holds the key.  What is not said counts as the worse: more than a few characters
 * remain, and the key is held.  A column of any table may have a class.  What is
 * protected is decided by the table's label alone.
 *
 * Column facts sit on the columns, not in the table's label, so that renaming
 * a column keeps its protection.  pg_dump carries labels as SECURITY LABEL
 * commands; because a dump sets them one at a time and in any order, a label
 * is only judged by itself here, and a protected table whose labels do not add
 * up (no unit column, say) has no releases: it stays protected.
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/indexing.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_seclabel.h"
#include "commands/seclabel.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/inval.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "core/errors.h"
#include "core/limits.h"
#include "mechanism/noise.h"
#include "policy/admin.h"
#include "policy/citus.h"
#include "policy/kinds.h"
#include "policy/label.h"
#include "policy/policy.h"
#include "tier/classes.h"

static Jsonb *parse_label(const char *label);
static JsonbValue *label_get(Jsonb *label, const char *key, JsonbValue *value);
static bool label_number(Jsonb *label, const char *key, double *out);
static bool label_string(Jsonb *label, const char *key, char *out, Size size);

/* Parses a label; anything but a JSON object is an error. */
static Jsonb *
parse_label(const char *label)
{
	Jsonb	   *object = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
															CStringGetDatum(label)));

	if (!JB_ROOT_IS_OBJECT(object))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a dp_agg label must be a JSON object"),
				 errhint("Use dp_agg.protect(), dp_agg.set_bounds() and dp_agg.set_domain() to write labels.")));
	return object;
}

/* The value of a key, in *value; NULL if the key is absent. */
static JsonbValue *
label_get(Jsonb *label, const char *key, JsonbValue *value)
{
	return getKeyJsonValueFromContainer(&label->root, key, strlen(key), value);
}

/* Reads a number; false if the key is absent, an error if it is no number. */
static bool
label_number(Jsonb *label, const char *key, double *out)
{
	JsonbValue	value;

	if (label_get(label, key, &value) == NULL)
		return false;
	if (value.type != jbvNumeric)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" in a dp_agg label must be a number", key)));
	*out = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
											  NumericGetDatum(value.val.numeric)));
	return true;
}

/* Reads a string into out (truncating is an error); false if the key is absent. */
static bool
label_string(Jsonb *label, const char *key, char *out, Size size)
{
	JsonbValue	value;

	if (label_get(label, key, &value) == NULL)
		return false;
	if (value.type != jbvString || value.val.string.len <= 0 ||
		(Size) value.val.string.len >= size)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" in a dp_agg label must be a string of 1 to %d bytes",
						key, (int) size - 1)));
	memcpy(out, value.val.string.val, value.val.string.len);
	out[value.val.string.len] = '\0';
	return true;
}

static int
compare_keys(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Reads an array of different strings; NULL if the key is absent. */
static char **
label_strings(Jsonb *label, const char *key, int max, int *count)
{
	JsonbValue	value;
	JsonbValue	element;
	JsonbIterator *iterator;
	char	  **strings = NULL;
	char	  **sorted;
	bool		valid;

	if (label_get(label, key, &value) == NULL)
		return NULL;
	valid = value.type == jbvBinary && JsonContainerIsArray(value.val.binary.data) &&
		JsonContainerSize(value.val.binary.data) >= 1 &&
		JsonContainerSize(value.val.binary.data) <= (uint32) max;
	if (valid)
	{
		*count = 0;
		strings = palloc(JsonContainerSize(value.val.binary.data) * sizeof(char *));
		iterator = JsonbIteratorInit(value.val.binary.data);
		(void) JsonbIteratorNext(&iterator, &element, true);
		while (valid && JsonbIteratorNext(&iterator, &element, true) == WJB_ELEM)
		{
			valid = element.type == jbvString;
			if (valid)
				strings[(*count)++] = pnstrdup(element.val.string.val, element.val.string.len);
		}
	}
	if (valid)
	{
		sorted = palloc(*count * sizeof(char *));
		memcpy(sorted, strings, *count * sizeof(char *));
		qsort(sorted, *count, sizeof(char *), compare_keys);
		for (int i = 1; i < *count; i++)
			valid = valid && strcmp(sorted[i - 1], sorted[i]) != 0;
		pfree(sorted);
	}
	if (!valid)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" in a dp_agg label must be an array of 1 to %d different strings",
						key, max)));
	return strings;
}

/* Reads a boolean; false if the key is absent, an error if it is none. */
static bool
label_boolean(Jsonb *label, const char *key, bool *out)
{
	JsonbValue	value;

	if (label_get(label, key, &value) == NULL)
		return false;
	if (value.type != jbvBool)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" in a dp_agg label must be true or false", key)));
	*out = value.val.boolean;
	return true;
}

/* Reads an integer limit in 1 .. max, or returns the default. */
static int
label_limit(Jsonb *label, const char *key, int fallback, int max)
{
	double		number;

	if (!label_number(label, key, &number))
		return fallback;
	if (number < 1 || number > max || number != (int) number)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" in a dp_agg label must be an integer from 1 to %d",
						key, max)));
	return (int) number;
}

/* Reads the declared size of the population; 0 if there is none. */
static int64
label_individuals(Jsonb *label)
{
	double		number;

	if (!label_number(label, "individuals", &number))
		return 0;
	if (!(number >= 1 && number <= DP_MAX_INDIVIDUALS) || number != floor(number))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"individuals\" in a dp_agg label must be an integer from 1 to %.0f",
						DP_MAX_INDIVIDUALS)));
	return (int64) number;
}

/* Reads shares that fall, each from 0 to 1, into out; those that are missing are 0.  False if the
 * key is absent. */
static bool
label_shares(Jsonb *label, const char *key, double *out, int max)
{
	JsonbValue	value;
	JsonbValue	element;
	JsonbIterator *iterator;
	double		before = 1;
	bool		valid;
	int			n = 0;

	if (label_get(label, key, &value) == NULL)
		return false;
	valid = value.type == jbvBinary && JsonContainerIsArray(value.val.binary.data) &&
		JsonContainerSize(value.val.binary.data) <= (uint32) max;
	memset(out, 0, max * sizeof(double));
	if (valid)
	{
		iterator = JsonbIteratorInit(value.val.binary.data);
		(void) JsonbIteratorNext(&iterator, &element, true);
		while (valid && JsonbIteratorNext(&iterator, &element, true) == WJB_ELEM)
		{
			valid = element.type == jbvNumeric;
			if (valid)
				out[n] = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
															NumericGetDatum(element.val.numeric)));
			valid = valid && out[n] >= 0 && out[n] <= before;
			before = valid ? out[n++] : before;
		}
	}
	if (!valid)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" in a dp_agg label must be an array of at most %d numbers from 1 to 0, none larger than the one before",
						key, max)));
	return true;
}

/* Reads whose rows a table holds: how many columns the unit has, or the link to which parent. */
static void
read_membership(Jsonb *label, ProtectedRelation *rel)
{
	char		name[NAMEDATALEN];

	rel->unit_columns = label_limit(label, "unit_columns", 1, DP_MAX_UNIT_COLUMNS);
	if (!label_string(label, "parent", name, sizeof(name)))
		return;
	rel->parent = pstrdup(name);
	if (!label_string(label, "parent_schema", name, sizeof(name)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a dp_agg label that names a parent must name its schema")));
	rel->parent_schema = pstrdup(name);
	rel->link_columns = label_limit(label, "link_columns", 1, DP_MAX_UNIT_COLUMNS);
}

/* Reads a table's label into rel. */
static void
read_table_label(const char *text, ProtectedRelation *rel)
{
	Jsonb	   *label = parse_label(text);
	char		columns[16];

	if (!label_string(label, "population", NameStr(rel->population), NAMEDATALEN))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a dp_agg label on a table must name a population")));
	rel->max_groups = label_limit(label, "max_groups", DP_DEFAULT_MAX_GROUPS,
								  DP_MAX_GROUPS);
	rel->max_rows = label_limit(label, "max_rows", DP_DEFAULT_MAX_ROWS, DP_MAX_ROWS);
	rel->max_total = label_limit(label, "max_total", 0, DP_MAX_TOTAL);
	rel->max_norm = label_limit(label, "max_norm", 0, DP_MAX_TOTAL);
	read_membership(label, rel);
	rel->individuals = label_individuals(label);
	rel->measured = label_shares(label, "rows_beyond", rel->rows_beyond, DP_MEASURED_POINTS);
	(void) label_boolean(label, "preview", &rel->preview);
	rel->listed_columns = label_string(label, "columns", columns, sizeof(columns));
}

/* Raises an error about a class whose parts do not go together. */
static void
class_error(const char *message, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", message),
			 errhint("%s", hint)));
}

/* Reads what was done to the values of a classified column. */
static void
read_processing(Jsonb *label, TierColumn *column)
{
	char		name[NAMEDATALEN];
	double		number;

	if (label_string(label, "processing", name, sizeof(name)) &&
		!tier_processing_of_name(name, &column->processing))
		class_error(psprintf("there is no processing \"%s\"", name),
					"Values may be " TIER_PROCESSING_NAMES ".");
	if (label_number(label, "remaining", &number))
	{
		if (column->processing != TIER_PROCESSING_MASKED)
			class_error("characters remain of masked values only",
						"Leave remaining out, or give the processing as masked.");
		if (!(number >= 0 && number <= PG_INT32_MAX) || number != (int) number)
			class_error("the number of characters that remain must be an integer of at least 0",
						"Count the characters of a value that were not replaced.");
		column->remaining = (int) number;
	}
	if (label_boolean(label, "key_held", &column->key_held) &&
		column->processing != TIER_PROCESSING_ENCRYPTED)
		class_error("only encrypted values have a key",
					"Leave receiver_has_key out, or give the processing as encrypted.");
}

/* Reads the class out of a column's label; false if it has none. */
static bool
read_column_class(Jsonb *label, TierColumn *column)
{
	static const char *const others[] = {"processing", "remaining", "key_held"};
	JsonbValue	value;
	char		name[NAMEDATALEN];

	*column = (TierColumn) {.remaining = -1,.key_held = true};
	if (!label_string(label, "class", name, sizeof(name)))
	{
		for (int i = 0; i < (int) lengthof(others); i++)
		{
			if (label_get(label, others[i], &value) != NULL)
				class_error(psprintf("\"%s\" in a dp_agg label goes with a class", others[i]),
							"Use dp_agg.classify() to write classes.");
		}
		return false;
	}
	if (!tier_class_of_name(name, &column->class))
		class_error(psprintf("there is no class \"%s\"", name),
					"Classes are " TIER_CLASS_NAMES ".");
	read_processing(label, column);
	return true;
}

/*
 * The type that the key of a label names, if what was declared for it has another meaning for
 * the type that the column has now; else NULL.
 */
static char *
read_outlived(Jsonb *label, const char *key, const ProtectedRelation *rel, AttrNumber attno)
{
	char		made_for[DP_TYPE_NAME_BYTES];

	if (!label_string(label, key, made_for, sizeof(made_for)) || !OidIsValid(rel->relid) ||
		policy_same_kind(made_for, get_atttype(rel->relid, attno)))
		return NULL;
	return pstrdup(made_for);
}

/*
 * Adds an interval that a column's label holds under three keys, its ends and the type that they
 * were declared for, to a list of n.
 */
static void
read_interval(Jsonb *label, const char *const keys[3], const ProtectedRelation *rel,
			  AttrNumber attno, ColumnBounds **list, int *n)
{
	ColumnBounds bounds = {.attno = attno};

	if (!label_number(label, keys[0], &bounds.lower) ||
		!label_number(label, keys[1], &bounds.upper))
		return;
	if (!(bounds.lower < bounds.upper) || isinf(bounds.lower) || isinf(bounds.upper))
		ereport(ERROR,
				(errcode(ERRCODE_DP_BOUNDS),
				 errmsg("bounds must be finite and lower less than upper")));
	*list = *list == NULL ? palloc(sizeof(ColumnBounds)) :
		repalloc(*list, (*n + 1) * sizeof(ColumnBounds));
	bounds.outlived = read_outlived(label, keys[2], rel, attno);
	(*list)[(*n)++] = bounds;
}

/* Reads the norm that goes with the bounds of a column's sums, which have been read. */
static void
read_total_norm(Jsonb *label, ProtectedRelation *rel, AttrNumber attno)
{
	double		norm;

	if (!label_number(label, "total_norm", &norm) || rel->ntotals == 0 ||
		rel->totals[rel->ntotals - 1].attno != attno)
		return;
	if (!(norm > 0) || isinf(norm))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"total_norm\" in a dp_agg label must be a number above 0")));
	rel->totals[rel->ntotals - 1].norm = norm;
}

/* Reads the grain of a column of dates or timestamps; an error for what is no interval of one kind. */
static void
read_grain(Jsonb *label, ProtectedRelation *rel, AttrNumber attno)
{
	char		text[NAMEDATALEN];
	Interval   *grain;

	if (!label_string(label, "grain", text, sizeof(text)))
		return;
	grain = DatumGetIntervalP(DirectFunctionCall3(interval_in, CStringGetDatum(text),
												  ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	if (grain->month < 0 || grain->day < 0 || grain->time < 0 ||
		(grain->month > 0) + (grain->day > 0) + (grain->time > 0) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"grain\" in a dp_agg label must be a number of months, of days, or of hours and less"),
				 errhint("Use dp_agg.set_grain() to write it.")));
	rel->grains = rel->grains == NULL ? palloc(sizeof(ColumnGrain)) :
		repalloc(rel->grains, (rel->ngrains + 1) * sizeof(ColumnGrain));
	rel->grains[rel->ngrains].attno = attno;
	rel->grains[rel->ngrains++].grain = *grain;
}

/* Reads which column of the parent's key a column is equal to. */
static void
read_link(Jsonb *label, ProtectedRelation *rel, AttrNumber attno)
{
	int			position = label_limit(label, "link", 0, DP_MAX_UNIT_COLUMNS);
	char		name[NAMEDATALEN];

	if (position == 0)
		return;
	if (!label_string(label, "parent_key", name, sizeof(name)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a dp_agg label of a link must name the column of the parent")));
	rel->link[position - 1] = attno;
	rel->parent_key[position - 1] = pstrdup(name);
	rel->nlink = Max(rel->nlink, position);
}

/* Reads how many characters a column of texts has at most. */
static void
read_length(Jsonb *label, ProtectedRelation *rel, AttrNumber attno)
{
	double		characters;

	if (!label_number(label, "length", &characters))
		return;
	if (!(characters >= 1) || characters > DP_MAX_CHARACTERS || characters != rint(characters))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"length\" in a dp_agg label must be a whole number from 1 to 1e9"),
				 errhint("Use dp_agg.set_length() to write it.")));
	rel->lengths = rel->lengths == NULL ? palloc(sizeof(ColumnLength)) :
		repalloc(rel->lengths, (rel->nlengths + 1) * sizeof(ColumnLength));
	rel->lengths[rel->nlengths++] = (ColumnLength) {attno, characters};
}

/* Reads a column's label into rel; rel->relid is 0 if the label is only judged by itself. */
static void
read_column_label(const char *text, AttrNumber attno, ProtectedRelation *rel)
{
	static const char *const bounds_keys[] = {"lower", "upper", "bounds_type"};
	static const char *const total_keys[] = {"total_lower", "total_upper", "total_type"};
	Jsonb	   *label = parse_label(text);
	JsonbValue	value;
	double		number;
	bool		index = false;
	ColumnDomain domain = {.attno = attno};

	if (label_number(label, "unit", &number))
	{
		if (number < 1 || number > DP_MAX_UNIT_COLUMNS || number != (int) number)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"unit\" in a dp_agg label must be an integer from 1 to %d",
							DP_MAX_UNIT_COLUMNS)));
		rel->unit[(int) number - 1] = attno;
		rel->nunit = Max(rel->nunit, (int) number);
	}
	read_link(label, rel, attno);
	if (label_get(label, "open", &value) != NULL &&
		value.type == jbvBool && value.val.boolean)
		rel->open = bms_add_member(rel->open, attno);
	if (label_boolean(label, "index", &index) && index)
		rel->index = bms_add_member(rel->index, attno);
	read_interval(label, bounds_keys, rel, attno, &rel->bounds, &rel->nbounds);
	read_interval(label, total_keys, rel, attno, &rel->totals, &rel->ntotals);
	read_total_norm(label, rel, attno);
	read_grain(label, rel, attno);
	read_length(label, rel, attno);
	domain.keys = label_strings(label, "domain", DP_MAX_DOMAIN_KEYS, &domain.nkeys);
	if (domain.keys != NULL)
	{
		rel->domains = (rel->domains == NULL) ?
			palloc(sizeof(ColumnDomain)) :
			repalloc(rel->domains, (rel->ndomains + 1) * sizeof(ColumnDomain));
		domain.outlived = read_outlived(label, "domain_type", rel, attno);
		rel->domains[rel->ndomains++] = domain;
	}
}

/* Reads the labels of all columns of rel->relid. */
static void
read_column_labels(ProtectedRelation *rel)
{
	Relation	relation = relation_open(rel->relid, AccessShareLock);

	for (AttrNumber attno = 1; attno <= RelationGetNumberOfAttributes(relation); attno++)
	{
		ObjectAddress address;
		char	   *text;

		if (TupleDescAttr(RelationGetDescr(relation), attno - 1)->attisdropped)
			continue;
		ObjectAddressSubSet(address, RelationRelationId, rel->relid, attno);
		text = GetSecurityLabel(&address, DP_PROVIDER);
		if (text != NULL)
			read_column_label(text, attno, rel);
	}
	relation_close(relation, AccessShareLock);
}

/*
 * Reads what is declared of the columns of a relation that carries no table label.  Returns NULL when
 * they have neither bounds nor lengths; allocates in the current context.
 */
ProtectedRelation *
policy_read_declared(Oid relid)
{
	ProtectedRelation *rel = palloc0(sizeof(ProtectedRelation));

	rel->relid = rel->label_relid = relid;
	read_column_labels(rel);
	return rel->nbounds > 0 || rel->nlengths > 0 ? rel : NULL;
}

/*
 * Reads the labels of one relation and its columns.  Returns NULL when the
 * relation carries no table label; allocates in the current context.  A unit
 * of no columns means that the labels do not name one (a column was dropped, or
 * a restore is under way): such a relation is protected, but has no releases.
 */
ProtectedRelation *
policy_read_labels(Oid relid)
{
	ObjectAddress address;
	char	   *text;
	ProtectedRelation *rel;

	ObjectAddressSet(address, RelationRelationId, relid);
	text = GetSecurityLabel(&address, DP_PROVIDER);
	if (text == NULL)
		return NULL;

	rel = palloc0(sizeof(ProtectedRelation));
	rel->relid = rel->label_relid = relid;
	read_table_label(text, rel);
	read_column_labels(rel);

	/* fewer columns would take several individuals for one */
	if (rel->nunit != rel->unit_columns || rel->parent != NULL)
		rel->nunit = 0;
	for (int i = 0; i < rel->nunit; i++)
	{
		if (rel->unit[i] == InvalidAttrNumber)
			rel->nunit = 0;
	}
	if (rel->nlink != rel->link_columns || rel->parent == NULL)
		rel->nlink = 0;
	for (int i = 0; i < rel->nlink; i++)
	{
		if (rel->link[i] == InvalidAttrNumber)
			rel->nlink = 0;
	}
	return rel;
}

/* Calls visit(pg_seclabel, row, argument) for each row about a relation or its columns, by their numbers. */
static void
scan_labels(Oid relid, void (*visit) (Relation labels, HeapTuple tuple, void *argument), void *argument)
{
	Relation	labels = table_open(SecLabelRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_seclabel_objoid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	ScanKeyInit(&keys[1], Anum_pg_seclabel_classoid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationRelationId));
	scan = systable_beginscan(labels, SecLabelObjectIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		visit(labels, tuple, argument);
	systable_endscan(scan);
	table_close(labels, AccessShareLock);
}

/* The label that a row of pg_seclabel holds; NULL if it is of another provider. */
static char *
label_of_row(Relation labels, HeapTuple tuple)
{
	bool		isnull;
	Datum		provider = heap_getattr(tuple, Anum_pg_seclabel_provider, RelationGetDescr(labels), &isnull);

	if (strcmp(TextDatumGetCString(provider), DP_PROVIDER) != 0)
		return NULL;
	return TextDatumGetCString(heap_getattr(tuple, Anum_pg_seclabel_label, RelationGetDescr(labels), &isnull));
}

/* Adds the class that a row of pg_seclabel gives to a column, if it does. */
static void
add_class(Relation labels, HeapTuple tuple, void *argument)
{
	RelationClasses **classes = argument;
	AttrNumber	attno = ((FormData_pg_seclabel *) GETSTRUCT(tuple))->objsubid;
	char	   *label = label_of_row(labels, tuple);
	int			n = *classes == NULL ? 0 : (*classes)->ncolumns;
	ColumnClass column = {.attno = attno};

	if (attno <= 0 || label == NULL || !read_column_class(parse_label(label), &column.column))
		return;
	*classes = (*classes == NULL) ?
		palloc(offsetof(RelationClasses, columns) + sizeof(ColumnClass)) :
		repalloc(*classes, offsetof(RelationClasses, columns) + (n + 1) * sizeof(ColumnClass));
	(*classes)->columns[n] = column;
	(*classes)->ncolumns = n + 1;
}

/*
 * Reads the classes of a relation's own columns.  Returns NULL when none is classified;
 * allocates in the current context.
 */
RelationClasses *
policy_read_classes(Oid relid)
{
	RelationClasses *result = NULL;

	scan_labels(relid, add_class, &result);
	return result;
}

/* Appends the label that a row holds. */
static void
append_label(Relation labels, HeapTuple tuple, void *argument)
{
	char	   *label = label_of_row(labels, tuple);

	if (label != NULL)
		appendStringInfo((StringInfo) argument, "\n%d %s", ((FormData_pg_seclabel *) GETSTRUCT(tuple))->objsubid, label);
}

/* label_append_all: appends the labels of a relation and of its columns, each with its column's number. */
void
label_append_all(StringInfo labels_text, Oid relid)
{
	scan_labels(relid, append_label, labels_text);
}

/* Removes the label that a row holds. */
static void
remove_label(Relation labels, HeapTuple tuple, void *argument)
{
	ObjectAddress address;

	ObjectAddressSubSet(address, RelationRelationId, *(Oid *) argument,
						((FormData_pg_seclabel *) GETSTRUCT(tuple))->objsubid);
	if (label_of_row(labels, tuple) != NULL)
		SetSecurityLabel(&address, DP_PROVIDER, NULL);
}

/* label_remove_all: removes the labels of a relation and of its columns.  Asks for nobody's right. */
void
label_remove_all(Oid relid)
{
	scan_labels(relid, remove_label, &relid);
	CacheInvalidateRelcacheByRelid(relid);
}

/*
 * Judges the class in a new label of a column, whose other facts are in rel.  A domain would
 * publish the values of an identifier, and bounds are of no use where no release reads it.
 */
static void
check_class(const char *text, const ObjectAddress *object, const ProtectedRelation *rel)
{
	TierColumn	column;

	if (read_column_class(parse_label(text), &column) && tier_is_direct(&column) &&
		(rel->nbounds > 0 || rel->ntotals > 0 || rel->ndomains > 0))
		ereport(ERROR,
				(errcode(ERRCODE_DP_BOUNDS),
				 errmsg("column \"%s\" is a direct identifier, which has neither bounds nor a domain",
						get_attname(object->objectId, object->objectSubId, false)),
				 errhint("Releases do not read it. If it identifies nobody, classify it otherwise with dp_agg.classify().")));
}

/*
 * Raises an error for a label that makes a virtual column the unit, since no release could read it, or
 * that opens the indexes of the unit: how long an answer takes would tell who is there.
 */
static void
check_unit(const ObjectAddress *object, const ProtectedRelation *rel)
{
	if (rel->nunit > 0 && rel->index != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" belongs to the unit, by which no release may look rows up",
						get_attname(object->objectId, object->objectSubId, false)),
				 errhint("Leave it out of index_columns: running time would tell whether an individual is there.")));
	if (rel->nunit > 0 && DP_IS_VIRTUAL(object->objectId, object->objectSubId))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("column \"%s\" is a virtual generated column, which cannot be the unit",
						get_attname(object->objectId, object->objectSubId, false)),
				 errhint("Name the columns that it is computed from, or make it a STORED one.")));
}

/* May the current user label a relation with this population?  A label that it has stays one. */
static void
check_entry(const ObjectAddress *object, const char *population)
{
	ProtectedRelation before = {0};
	char	   *label = GetSecurityLabel(object, DP_PROVIDER);

	if (label != NULL)
		read_table_label(label, &before);
	admin_enter_population(population, label != NULL ? NameStr(before.population) : NULL);
}

/*
 * Relabel hook: judges a new label (NULL removes one) and makes every backend
 * forget what it cached and planned for the relation and its partitions.
 * Ownership was checked by PostgreSQL (ExecSecLabelStmt);
 * here, whether the role may protect at all.  On a worker of Citus that is not asked: labels come there from the
 * coordinator, which has asked, and neither releases nor accounts are there that they could be about.
 */
static void
check_label(const ObjectAddress *object, const char *seclabel)
{
	bool		worker = citus_is_worker();
	List	   *relids;
	ListCell   *lc;

	/*
	 * An owner alone may not decide whose rows they are: rows that an analyst invented would
	 * count as individuals of the population.
	 */
	if (!worker && !admin_may_protect())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to change the protection of relations"),
				 errhint("It takes EXECUTE on function dp_agg.protect().")));
	if (object->classId != RelationRelationId)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("dp_agg labels apply to tables and columns only")));
	if (seclabel != NULL)
	{
		ProtectedRelation scratch = {0};
		char		relkind = get_rel_relkind(object->objectId);

		if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE &&
			relkind != RELKIND_MATVIEW && relkind != RELKIND_FOREIGN_TABLE)
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("\"%s\" cannot be protected", get_rel_name(object->objectId)),
					 errdetail("Only tables, partitioned tables, foreign tables and materialized views can be protected."),
					 errhint("Protect the tables below the view; a view over a protected table can be queried like the table.")));
		if (object->objectSubId == 0 && object->objectId < FirstNormalObjectId)
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("\"%s\" cannot be protected", get_rel_name(object->objectId)),
					 errdetail("It is a catalog, which the server reads without releases."),
					 errhint("Protect the tables that hold the rows of individuals.")));
		if (object->objectSubId == 0)
		{
			read_table_label(seclabel, &scratch);
			if (!worker)
				check_entry(object, NameStr(scratch.population));
		}
		else
		{
			read_column_label(seclabel, object->objectSubId, &scratch);
			check_class(seclabel, object, &scratch);
			check_unit(object, &scratch);
		}
	}

	relids = find_all_inheritors(object->objectId, NoLock, NULL);
	foreach(lc, relids)
		CacheInvalidateRelcacheByRelid(lfirst_oid(lc));
}

/* Registers the label provider; called once from _PG_init. */
void
policy_register_provider(void)
{
	register_label_provider(DP_PROVIDER, check_label);
}
