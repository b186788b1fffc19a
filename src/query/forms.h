/*
 * forms.h
 *		The forms of the query R of a release.
 */
#ifndef DP_FORMS_H
#define DP_FORMS_H

#include "postgres.h"

#include "query/builder.h"

extern Query *bounded_release(ReleaseBuilder *builder, List *keys);
extern bool node_can_bound(ReleaseBuilder *builder, List *keys);
extern Query *divided_release(ReleaseBuilder *builder, List *keys);
extern Query *streamed_release(ReleaseBuilder *builder, List *keys);

#endif							/* DP_FORMS_H */
