/*
 * settings.h
 *		The settings of dp_agg, as their variables.
 */
#ifndef DP_SETTINGS_H
#define DP_SETTINGS_H

#include "postgres.h"

/* The variables that SET changes; settings.c has their units and ranges. */
extern double dp_setting_epsilon;
extern double dp_setting_delta;
extern int	dp_setting_max_groups;
extern int	dp_setting_max_rows;
extern int	dp_setting_min_individuals;
extern double dp_setting_min_epsilon;
extern bool dp_setting_index_scans;
extern bool dp_setting_bound_node;
extern bool dp_setting_audit_raw;

extern void settings_init(void);
extern int	setting_min_individuals(void);
extern bool setting_audit_raw(void);

#endif							/* DP_SETTINGS_H */
