/*
 * classes.c
 *		Names of classes and processings, and which columns releases treat as identifiers.
 *
 * A direct identifier stands in no release, however its values were processed: a pseudonym
 * is as good as a name for whoever meets it in two places, and what was masked may be joined
 * with what was masked elsewhere.  Who finds that a processed column identifies nobody by
 * itself any more classifies it as a quasi-identifier.
 */
#include "tier/classes.h"

#include <stddef.h>
#include <string.h>

static const char *const class_names[] =
{
	[TIER_CLASS_DIRECT] = "direct_identifier",
	[TIER_CLASS_QUASI] = "quasi_identifier",
	[TIER_CLASS_SENSITIVE] = "sensitive",
	[TIER_CLASS_ORDINARY] = "ordinary",
};

static const char *const processing_names[] =
{
	[TIER_RAW] = "raw",
	[TIER_PROCESSING_MASKED] = "masked",
	[TIER_PROCESSING_GENERALISED] = "generalised",
	[TIER_PROCESSING_PSEUDONYMISED] = "pseudonymised",
	[TIER_PROCESSING_ENCRYPTED] = "encrypted",
};

/* The position of a name from first on; -1 if it is none of them. */
static int
find_name(const char *const names[], int first, int last, const char *name)
{
	for (int i = first; i <= last; i++)
	{
		if (strcmp(names[i], name) == 0)
			return i;
	}
	return -1;
}

/* The name of a class, as in "direct_identifier"; NULL for none. */
const char *
tier_class_name(TierClass class)
{
	return class_names[class];
}

/* The class of a name, in *class; false if there is no such class. */
bool
tier_class_of_name(const char *name, TierClass *class)
{
	int			found = find_name(class_names, TIER_CLASS_DIRECT, TIER_CLASS_ORDINARY, name);

	if (found < 0)
		return false;
	*class = (TierClass) found;
	return true;
}

/* The name of a processing, as in "masked". */
const char *
tier_processing_name(TierProcessing processing)
{
	return processing_names[processing];
}

/* The processing of a name, in *processing; false if there is no such processing. */
bool
tier_processing_of_name(const char *name, TierProcessing *processing)
{
	int			found = find_name(processing_names, TIER_RAW, TIER_PROCESSING_ENCRYPTED, name);

	if (found < 0)
		return false;
	*processing = (TierProcessing) found;
	return true;
}

/* Is it a direct identifier, which may stand nowhere in a release? */
bool
tier_is_direct(const TierColumn *column)
{
	return column->class == TIER_CLASS_DIRECT;
}

/* Is it a quasi-identifier, several of which form groups at a risk? */
bool
tier_is_quasi(const TierColumn *column)
{
	return column->class == TIER_CLASS_QUASI;
}
