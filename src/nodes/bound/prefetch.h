/*
 * prefetch.h
 *		Asks for memory before it is needed.
 */
#ifndef DP_BOUND_PREFETCH_H
#define DP_BOUND_PREFETCH_H

#ifdef __GNUC__
#define dp_prefetch(address)	__builtin_prefetch(address)
#define dp_prefetch_to_write(address)	__builtin_prefetch((address), 1)
#else
#define dp_prefetch(address)	((void) (address))
#define dp_prefetch_to_write(address)	((void) (address))
#endif

#endif							/* DP_BOUND_PREFETCH_H */
