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
extern bool dp_setting_delta_stated;
extern int	dp_setting_max_groups;
extern int	dp_setting_max_rows;
extern int	dp_setting_max_total;
extern int	dp_setting_min_individuals;
extern double dp_setting_min_epsilon;
extern double dp_setting_notice_cut;
extern bool dp_setting_reuse;
extern bool dp_setting_index_scans;
extern bool dp_setting_bound_node;
extern int	dp_setting_tier_scale;
extern double dp_setting_tier_epsilon;
extern double dp_setting_tier_lifetime_epsilon;
extern int	dp_setting_plain_transmission;
extern int	dp_setting_declared_environment;

/* Values of dp_agg.plain_transmission. */
enum
{
	PLAIN_IS_MEDIUM,
	PLAIN_IS_HIGH
};

/* Values of dp_agg.declared_environment. */
enum
{
	ENVIRONMENT_NONE,
	ENVIRONMENT_TRUSTED
};

extern void settings_init(void);
extern int	setting_min_individuals(void);

#endif							/* DP_SETTINGS_H */
