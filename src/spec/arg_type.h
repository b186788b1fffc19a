/*
 * arg_type.h
 *		How values are read as numbers.
 */
#ifndef DP_ARG_TYPE_H
#define DP_ARG_TYPE_H

/* How an argument's values are read as numbers; see spec/domain.c. */
typedef enum SpecArgType
{
	SPEC_ARG_ANY,				/* only tested for NULL */
	SPEC_ARG_INT2,
	SPEC_ARG_INT4,
	SPEC_ARG_INT8,
	SPEC_ARG_FLOAT4,
	SPEC_ARG_FLOAT8,
	SPEC_ARG_NUMERIC,
	SPEC_ARG_DATE,				/* days since 2000-01-01 */
	SPEC_ARG_TIMESTAMP,			/* microseconds since 2000-01-01, with or without zone */
	SPEC_ARG_INTERVAL			/* microseconds, months of 30 days */
} SpecArgType;

#endif							/* DP_ARG_TYPE_H */
