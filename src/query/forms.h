/*
 * forms.h
 *		The forms of the query R of a release.
 */
#ifndef DP_FORMS_H
#define DP_FORMS_H

#include "postgres.h"

#include "query/builder.h"

extern Query *release_query(ReleaseBuilder *builder, List *keys);

#endif							/* DP_FORMS_H */
