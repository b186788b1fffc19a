/*
 * audit.h
 *		The setting dp_agg.audit_raw, which those who are audited do not switch off.
 */
#ifndef DP_AUDIT_H
#define DP_AUDIT_H

#include "postgres.h"

extern void audit_setting_init(void);	/* from settings_init() */
extern bool audit_raw_reads(void);

#endif							/* DP_AUDIT_H */
