/*
 * choose.c
 *		Private selection of one candidate: permute-and-flip, exactly.
 *
 * After McKenna and Sheldon, "Permute-and-Flip: A New Mechanism for
 * Differentially Private Selection" (2020).  Every candidate i has a score u_i;
 * its deficit is the distance to the best, max(u) - u_i.  The candidates are
 * visited in a random order, each throws a coin of probability
 * exp(-lambda * deficit), and the first that shows heads is chosen.
 *
 * The same law, twice more (b is what Ding, Kifer, Saghaian, Steinke, Wang, Xiao
 * and Zhang show in "The Permute-and-Flip Mechanism is Identical to
 * Report-Noisy-Max with Exponential Noise", 2021):
 *
 * (a)	Every candidate throws its coin once, and one among those that show heads
 *		is chosen uniformly.  The order is independent of the coins, so given
 *		the set of heads, each of it is as likely as any other to be visited
 *		first.
 *
 * (b)	Every candidate adds an exponential variable E_i of rate lambda to its
 *		score, and the greatest sum is chosen.  The sum of i exceeds max(u) with
 *		probability exp(-lambda * deficit), independently of the others: that is
 *		its coin.  The best candidate always does, so the greatest sum is one of
 *		those.  An exponential variable has no memory, so what they exceed
 *		max(u) by are independent exponentials of one rate, and each is as
 *		likely as any other to be the greatest.
 *
 * Why it is private.  Let neighbours have scores u and u' = u + delta with
 * max(delta) - min(delta) <= D, the range of the change.  Take (b) and fix the
 * noise of all candidates but i.  i is chosen if E_i > t with
 * t = max_{j != i} (u_j + e_j) - u_i, which has probability
 * min(1, exp(-lambda t)).  From u to u', the maximum changes by something in
 * [min(delta), max(delta)] and u_i by delta_i, which lies there too, so that
 * |t' - t| <= D and the probability changes by a factor of at most
 * exp(lambda D).  That holds for any noise of the others and hence on average.
 * So lambda = epsilon / D gives epsilon-DP.  Only the range counts: what raises
 * all scores alike is free, and if a change is known to have one sign, D is the
 * sensitivity itself and not twice that.
 *
 * How much is lost.  By (b), i can be chosen only if E_i exceeds the noise of
 * the best by its deficit, with probability exp(-lambda * deficit)/2.  So the
 * deficit of the chosen one is t or more with probability at most
 * (m - 1)/2 * exp(-lambda t).
 *
 * How it is drawn.  With x = lambda * deficit, j = floor(x),
 *
 *		exp(-x) = 2^-j * (2/e)^j * exp(-(x - j)).
 *
 * The first factor is j fair bits, the first of which that fails ends the coin:
 * a candidate far below the best costs two bits on average and no division
 * (heads > j fails if and only if x >= heads + 1, a comparison).  Those whose
 * bits do not fail are then visited in random order, as in permute-and-flip
 * itself, throw the rest of their coin, and the first that succeeds is chosen:
 * by the argument of (a), applied to this smaller set.  So the dear coins are
 * thrown until one succeeds and not for all.
 *
 * Candidates that follow each other and have the same deficit are a run, for which x is
 * computed once.  If x is DP_RANDOM_MAX_TRIES or more, no bit is drawn for the run: that
 * many heads in a row are taken not to come.  In long runs 64 candidates throw at a time,
 * each one bit of a word, until few are left.
 */
#include <stdbool.h>

#include <openssl/crypto.h>

#include "mechanism/bernoulli.h"
#include "mechanism/choose.h"

/* Random bits that are still to be used. */
typedef struct fair_bits
{
	uint64_t	word;			/* the bits, lowest first; zeros above them */
	int			left;			/* number of bits */
} fair_bits;

/*
 * The number of heads before the first tails in a row of fair bits.
 *
 * DP_RANDOM_MAX_TRIES heads (probability 2^-1024, for one of DP_CHOOSE_MAX
 * candidates less than 2^-999) are DP_ERR_RANDOM.
 */
static inline dp_status
fair_run(dp_random *rng, fair_bits *bits, uint32_t *heads)
{
	*heads = 0;
	while (*heads < DP_RANDOM_MAX_TRIES)
	{
		int			run;

		if (bits->left == 0)
		{
			dp_status	status = dp_random_u64(rng, &bits->word);

			if (status != DP_OK)
				return status;
			bits->left = 64;
		}

		run = ~bits->word == 0 ? 64 : __builtin_ctzll(~bits->word);
		*heads += (uint32_t) run;
		if (run < bits->left)
		{
			/* By run + 1, which may be all 64. */
			bits->word = bits->word >> run >> 1;
			bits->left -= run + 1;
			return DP_OK;
		}
		bits->left = 0;
	}
	return DP_ERR_RANDOM;
}

/*
 * A coin of probability 2/e.
 *
 * Coins of probability 1/3, 1/4, 1/5, ... are thrown until the first that
 * fails.  The number of successes is n or more with probability
 * 1/(3 * 4 * ... * (n+2)) = 2/(n+2)!, so it is even with probability
 *
 *		sum_{n>=0} (-1)^n 2/(n+2)! = 2 * sum_{i>=2} (-1)^i/i! = 2/e,
 *
 * as the first two terms of the series of 1/e cancel.  DP_RANDOM_MAX_TRIES
 * successes have probability below 1/1024!.
 */
static dp_status
two_over_e(dp_random *rng, bool *out)
{
	*out = false;
	for (uint32_t n = 0; n < DP_RANDOM_MAX_TRIES; n++)
	{
		bool		again;
		dp_status	status = dp_bernoulli(rng, 1, n + 3, &again);

		if (status != DP_OK)
			return status;
		if (!again)
		{
			*out = (n & 1) == 0;
			return DP_OK;
		}
	}
	return DP_ERR_RANDOM;
}

/* The rest of a coin of probability exp(-p/q), whose fair bits have shown heads. */
static dp_status
rest_of_coin(dp_random *rng, dp_uint128 p, dp_uint128 q, bool *out)
{
	for (dp_uint128 whole = p / q; whole > 0; whole--)
	{
		dp_status	status = two_over_e(rng, out);

		if (status != DP_OK || !*out)
			return status;
	}
	return dp_bernoulli_exp(rng, p % q, q, out);
}

/*
 * Candidates: runs of neighbours that have one deficit.  Run i is the candidates
 * starts[i] .. starts[i + 1] - 1, or candidate i alone where starts is NULL.
 */
typedef struct candidates
{
	const dp_uint128 *deficits;
	const int32_t *starts;
	int			runs;
} candidates;

/* The first candidate of a run. */
static inline int32_t
first_of_run(const candidates *all, int run)
{
	return all->starts != NULL ? all->starts[run] : run;
}

/* The run of a candidate. */
static int
run_of(const candidates *all, int32_t candidate)
{
	int			low = 0;
	int			high = all->runs - 1;

	if (all->starts == NULL)
		return candidate;
	while (low < high)
	{
		int			middle = low + (high - low + 1) / 2;

		if (all->starts[middle] <= candidate)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

/* Words are drawn for a block of 64 candidates while more than this are left. */
#define FEW_LEFT 4

/* In runs of this number of candidates, or fewer, each throws by itself. */
#define LONG_RUN 32

/*
 * Adds to order[] those of the candidates first .. last that throw `needed` heads in a
 * row.  No two candidates ever use the same bit, whatever word it comes from.
 */
static dp_status
flip_run(dp_random *rng, fair_bits *bits, int32_t first, int32_t last,
		 uint32_t needed, int32_t *order, int *n)
{
	for (int64_t block = first; block <= last; block += 64)
	{
		int64_t		size = last - block + 1;
		uint64_t	left = size >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << size) - 1;
		uint32_t	thrown = 0;

		while (thrown < needed && __builtin_popcountll(left) > FEW_LEFT)
		{
			uint64_t	word;
			dp_status	status = dp_random_u64(rng, &word);

			if (status != DP_OK)
				return status;
			left &= word;
			thrown++;
		}
		for (; left != 0; left &= left - 1)
		{
			uint32_t	heads = 0;
			dp_status	status = DP_OK;

			if (thrown < needed)
				status = fair_run(rng, bits, &heads);
			if (status != DP_OK)
				return status;
			if (thrown + heads >= needed)
				order[(*n)++] = (int32_t) block + __builtin_ctzll(left);
		}
	}
	return DP_OK;
}

/* The candidates whose fair bits do not fail, in order[0 .. *n - 1]. */
static dp_status
flip_fair_bits(dp_random *rng, const candidates *all,
			   dp_uint128 rate_p, dp_uint128 rate_q, int32_t *order, int *n)
{
	fair_bits	bits = {0, 0};
	dp_status	status = DP_OK;

	*n = 0;
	for (int i = 0; i < all->runs && status == DP_OK; i++)
	{
		dp_uint128	product = all->deficits[i] * rate_p;
		int32_t		first = first_of_run(all, i);
		int32_t		last = first_of_run(all, i + 1) - 1;
		uint32_t	heads;

		/* rate_q <= 2^100 */
		if (product >= DP_RANDOM_MAX_TRIES * rate_q)
			continue;
		if (product < rate_q)
		{
			for (int32_t candidate = first; candidate <= last; candidate++)
				order[(*n)++] = candidate;
			continue;
		}
		if (last - first >= LONG_RUN)
		{
			status = flip_run(rng, &bits, first, last, (uint32_t) (product / rate_q), order, n);
			continue;
		}
		for (int32_t candidate = first; candidate <= last; candidate++)
		{
			status = fair_run(rng, &bits, &heads);
			if (status != DP_OK)
				break;
			/* heads + 1 <= 2^10 */
			if (product < (heads + 1) * rate_q)
				order[(*n)++] = candidate;
		}
	}
	OPENSSL_cleanse(&bits, sizeof(bits));
	return status;
}

/* The first in a random order of order[0 .. n - 1] whose coin shows heads. */
static dp_status
first_of_heads(dp_random *rng, const candidates *all, dp_uint128 rate_p,
			   dp_uint128 rate_q, int32_t *order, int n, int *chosen)
{
	for (int left = n; left > 0; left--)
	{
		dp_uint128	place;
		int32_t		candidate;
		bool		heads;
		dp_status	status = dp_random_below(rng, (dp_uint128) left, &place);

		if (status != DP_OK)
			return status;
		candidate = order[(int) place];
		status = rest_of_coin(rng, all->deficits[run_of(all, candidate)] * rate_p, rate_q, &heads);
		if (status != DP_OK)
			return status;
		if (heads)
		{
			*chosen = candidate;
			return DP_OK;
		}
		order[(int) place] = order[left - 1];
	}
	/* Not reached: a deficit of zero always shows heads. */
	return DP_ERR_RANGE;
}

/* dp_choose() and dp_choose_runs(), once the numbers of candidates and runs are checked. */
static dp_status
choose_among(dp_random *rng, const candidates *all, dp_uint128 rate_p,
			 dp_uint128 rate_q, int32_t *work, int *chosen)
{
	dp_uint128	most;
	dp_uint128	least;
	int			n;
	dp_status	status;

	if (rate_p == 0 || rate_q == 0 || rate_q > DP_RATE_MAX_DENOMINATOR)
		return DP_ERR_RANGE;
#ifdef DP_FAULT_NOISE_SCALE
	rate_p = rate_p * 5 / 4;
#endif
	most = least = all->deficits[0];
	for (int i = 1; i < all->runs; i++)
	{
		if (all->deficits[i] > most)
			most = all->deficits[i];
		if (all->deficits[i] < least)
			least = all->deficits[i];
	}
	if (least != 0 || most > ~(dp_uint128) 0 / rate_p)
		return DP_ERR_RANGE;

#ifdef DP_FAULT_NOISELESS
	for (int i = all->runs - 1; i >= 0; i--)
		if (all->deficits[i] == 0)
			*chosen = first_of_run(all, i);
	return DP_OK;
#endif
	status = flip_fair_bits(rng, all, rate_p, rate_q, work, &n);
	if (status == DP_OK)
		status = first_of_heads(rng, all, rate_p, rate_q, work, n, chosen);
	/* Which candidates remained tells of bits that were used. */
	OPENSSL_cleanse(work, sizeof(*work) * (size_t) n);
	return status;
}

/*
 * dp_choose_farthest
 *		The greatest deficit of candidates that can be chosen at these rates.
 *
 * Candidates beyond it are never chosen and draw nothing.  So they may as well be left
 * out: what is chosen, and which bits are used, stays the same.  rate_p and rate_q as
 * for dp_choose.
 */
dp_uint128
dp_choose_farthest(dp_uint128 rate_p, dp_uint128 rate_q)
{
	return (DP_RANDOM_MAX_TRIES * rate_q - 1) / rate_p;
}

/*
 * dp_choose
 *		One of m candidates in *chosen, 0 .. m - 1, by permute-and-flip with the
 *		coins exp(-deficits[i] * rate_p / rate_q).
 *
 * m in 1 .. DP_CHOOSE_MAX; deficits of any size and any unit, the least of
 * them 0; rate_p >= 1, 1 <= rate_q <= DP_RATE_MAX_DENOMINATOR (2^100); every
 * deficits[i] * rate_p below 2^128.  Otherwise DP_ERR_RANGE, and nothing is
 * drawn.  work has room for m integers.  DP_ERR_RANDOM if the source failed.
 * *chosen is -1 on error.
 *
 * The law of the result is exact but for the bounds on the length of the
 * loops, which a sound source meets with probability below 2^-998.
 */
dp_status
dp_choose(dp_random *rng, const dp_uint128 *deficits, int m, dp_uint128 rate_p,
		  dp_uint128 rate_q, int32_t *work, int *chosen)
{
	candidates	all = {deficits, NULL, m};

	*chosen = -1;
	if (m < 1 || m > DP_CHOOSE_MAX)
		return DP_ERR_RANGE;
	return choose_among(rng, &all, rate_p, rate_q, work, chosen);
}

/*
 * dp_choose_runs
 *		dp_choose() for candidates that come in runs with the same deficit.
 *
 * Run i is the candidates starts[i] .. starts[i + 1] - 1, at least one, all with
 * deficits[i].  starts[0] is 0, and starts[runs] is the number of all candidates, at
 * most DP_CHOOSE_MAX.  work has room for an integer per candidate.  *chosen is the
 * number of a candidate, not of a run.  Ranges, errors and the law of the result are
 * those of dp_choose().
 */
dp_status
dp_choose_runs(dp_random *rng, const dp_uint128 *deficits, const int32_t *starts,
			   int runs, dp_uint128 rate_p, dp_uint128 rate_q, int32_t *work,
			   int *chosen)
{
	candidates	all = {deficits, starts, runs};

	*chosen = -1;
	if (runs < 1 || runs > DP_CHOOSE_MAX || starts[0] != 0 || starts[runs] > DP_CHOOSE_MAX)
		return DP_ERR_RANGE;
	for (int i = 0; i < runs; i++)
		if (starts[i] >= starts[i + 1])
			return DP_ERR_RANGE;
	return choose_among(rng, &all, rate_p, rate_q, work, chosen);
}
