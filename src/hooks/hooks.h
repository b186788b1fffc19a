/*
 * hooks.h
 *		Installs the hooks of the extension: one function for each file of hooks/.
 */
#ifndef DP_HOOKS_H
#define DP_HOOKS_H

extern void planner_hook_init(void);
extern void path_hooks_init(void);
extern void statistics_hooks_init(void);
extern void executor_hooks_init(void);
extern void explain_hook_init(void);
extern void utility_hook_init(void);
extern void permissions_hook_init(void);

#endif							/* DP_HOOKS_H */
