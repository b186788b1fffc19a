/*
 * sparse.c
 *		Histograms, the most frequent value, and their thresholds.
 *
 * A group's values are counted by the weights of cells (of a fixed grid) or of
 * categories (whatever values there are).  One individual's weights over all of
 * them sum to at most one, and it has weight in at most `rows` of them.
 *
 * delta' = 1 - (1 - delta)^(1/groups) is what one group may use of delta, and
 * epsilon' = epsilon/groups of epsilon (gate.c).  Floating point only appears in
 * thresholds, into which nothing secret enters, and is rounded up.
 *
 * Categories that are not public.  Which categories exist at all is secret.
 * Those with fewer than min_individuals individuals are invisible: nothing is
 * drawn for them, whatever else happens.  Let D' be D with one individual more.
 * A category that is visible in D' only has exactly min_individuals individuals
 * there, so its weight is at most that, and there are at most `rows` of these
 * new categories.  Both mechanisms below are such that, with N the law on D'
 * without its new categories,
 *
 *	(i)		P_D(O) <= e^epsilon' N(O) and N(O) <= e^epsilon' P_D(O): on fixed
 *			categories the mechanism is epsilon'-DP;
 *	(ii)	a new category shows with probability at most delta', also given what
 *			the outcome would be without the new ones; and if none shows, that
 *			is the outcome.
 *
 * So P_D'(O) <= N(O) + delta' <= e^epsilon' P_D(O) + delta', which is one
 * direction.  For the other, P_D'(O) >= (1 - delta') N(O).  Then if
 * e^epsilon' N(O) >= 1,
 *
 *		e^epsilon' P_D'(O) + delta' >= (1 - delta') + delta' >= P_D(O),
 *
 * and otherwise P_D(O) <= e^epsilon' N(O)
 *					   <= e^epsilon' P_D'(O) + delta' e^epsilon' N(O)
 *					   <= e^epsilon' P_D'(O) + delta'.
 *
 * (Without the word "given" in (ii), delta' would have to be e^epsilon' times
 * smaller.)
 */
#include <math.h>
#include <stdbool.h>

#include <openssl/crypto.h>

#include "mechanism/noise_internal.h"
#include "mechanism/rank.h"
#include "mechanism/sparse.h"

/* Slack on logarithms of probabilities, as in gate.c. */
#define SAFETY 1e-9

/* The share of the largest cell in the delta' of a histogram's gate. */
#define LARGEST_SHARE 0.125

/* Lattice units of the noise per unit of weight. */
#define LATTICE_PER_WEIGHT (DP_SCALE / DP_CELL_SCALE)

/* Whether the parameters of a threshold are within their documented ranges. */
static bool
parameters_in_range(int64_t epsilon_nano, int64_t delta_atto, int64_t groups,
					int64_t individuals)
{
	return epsilon_nano >= DP_MIN_EPSILON_NANO &&
		epsilon_nano <= DP_MAX_EPSILON_NANO &&
		delta_atto >= 1 && delta_atto < INT64_C(1000000000000000000) &&
		groups >= 1 && groups <= DP_MAX_GROUPS && individuals >= 1;
}

/* epsilon' per lattice unit. */
static double
lattice_rate(int64_t epsilon_nano, int64_t groups)
{
	return (double) epsilon_nano * 1e-9 / (double) groups / (double) DP_SCALE;
}

/*
 * dp_sparse_noise
 *		A histogram with noise: noisy[i] is weights[i] plus an independent exact
 *		discrete Laplace variable, in lattice units (DP_SCALE is one
 *		individual).
 *
 * epsilon_nano and groups as for dp_noise_draw; m >= 1; weights in units of
 * DP_CELL_SCALE per individual, not negative.  Otherwise DP_ERR_RANGE.
 * DP_ERR_RANDOM if the source failed.  noisy[] is all zero on error, unless m is
 * out of range (then it is not touched).
 *
 * P(noisy) is proportional to prod_i exp(-a |noisy_i - weights_i|).  One
 * individual moves the weights by at most DP_SCALE lattice units in the l1-norm,
 * over all cells together, so the whole histogram costs epsilon once, however
 * many cells it has (Dwork, McSherry, Nissim and Smith 2006).
 */
dp_status
dp_sparse_noise(dp_random *rng, int64_t epsilon_nano, int64_t groups,
				const int64_t *weights, int m, dp_int128 *noisy)
{
	dp_status	status = DP_OK;

	if (m < 1)
		return DP_ERR_RANGE;
	for (int i = 0; i < m && status == DP_OK; i++)
	{
		if (weights[i] < 0)
			status = DP_ERR_RANGE;
		else
			status = dp_noise_draw(rng, epsilon_nano, groups, 1, &noisy[i]);
		if (status == DP_OK)
			noisy[i] += (dp_int128) weights[i] * LATTICE_PER_WEIGHT;
	}
	if (status != DP_OK)
		OPENSSL_cleanse(noisy, sizeof(*noisy) * (size_t) m);
	return status;
}

/*
 * log P(x_1 + ... + x_m >= s) for independent Laplace variables of scale 1.
 *
 * m in 1 .. DP_SUM_EXACT_CELLS, s in 0 .. 512.
 *
 * The sum is a difference of two Gamma(m) variables.  Let two Poisson processes
 * of rate 1 run side by side: each next event belongs to either with
 * probability 1/2.  The difference is positive if the second has had m events
 * when the first has had i < m; that has probability
 * w_i = C(m-1+i, i) 2^-(m+i), and what the first still needs for its m-th event
 * is then a Gamma(m-i) variable.  So
 *
 *		P(sum >= s) = sum_{j=1}^{m} w_{m-j} e^-s sum_{i<j} s^i/i!,
 *
 * for m = 1 e^-s/2.  All terms are positive.  w_{m-1} is
 * 1/2 prod_{i=1}^{m-1} (2i-1)/(2i), and w_{i-1} = w_i * 2i/(m-1+i).
 */
static double
log_sum_tail(int m, double s)
{
	double		weight = 0.5;	/* w_{m-j} */
	double		power = 1.0;	/* s^(j-1)/(j-1)! */
	double		series = 0.0;
	double		sum = 0.0;

	for (int i = 1; i < m; i++)
		weight *= (2.0 * i - 1.0) / (2.0 * i);
	for (int j = 1; j <= m; j++)
	{
		series += power;
		sum += weight * series;
		if (j == m)
			break;
		power *= s / j;
		weight *= 2.0 * (m - j) / (2.0 * m - 1.0 - j);
	}
	return log(sum) - s;
}

/*
 * A bound of log P(x_1 + ... + x_m >= s) for any m >= 1, s >= 0; x_i either
 * Laplace variables of scale 1 or discrete ones of rate a, times a.
 *
 * Chernoff: P(sum >= s) <= e^(-us) E[e^(ux)]^m for 0 < u < 1.  For Laplace
 * variables E[e^(ux)] = 1/(1 - u^2); the discrete one is
 * sinh(h)^2/(sinh((1+u)h) sinh((1-u)h)), h = a/2, which is at most that because
 * log(sinh(y)/y) is convex.  The best u solves 2mu/(1 - u^2) = s: with
 * r = sqrt(m^2 + s^2), u = s/(m + r) and 1 - u^2 = 2m/(m + r).  Further,
 * r - m = s^2/(m + r).
 */
static double
log_sum_bound(double m, double s)
{
	double		r = hypot(m, s);
	double		excess = s * s / (m + r);

	return m * log1p(excess / (2.0 * m)) - excess;
}

/*
 * A distance s >= 0 at which the tail of the sum of m variables is at most exp(target).
 * Both functions above are 0 or less at s = 0 and decrease.
 */
static double
sum_distance(int m, double target)
{
	bool		exact = m <= DP_SUM_EXACT_CELLS;
	double		low = 0.0;
	double		high = 1.0;

	while ((exact ? log_sum_tail(m, high) : log_sum_bound(m, high)) > target)
		high *= 2.0;
	while (high - low > 1e-12 * high)
	{
		double		middle = 0.5 * (low + high);

		if ((exact ? log_sum_tail(m, middle) : log_sum_bound(m, middle)) > target)
			low = middle;
		else
			high = middle;
	}
	return high;
}

/*
 * dp_sum_offset
 *		A distance t >= 1 in lattice units: the sum of m discrete Laplace variables of that
 *		rate per lattice unit is t or more with probability at most exp(target).
 *
 * m >= 1, target <= 0 but not below -700, rate as for dp_gate_offset.
 *
 * Up to DP_SUM_EXACT_CELLS cells the tail of the sum of Laplace variables is
 * exact, and the step from the lattice is that of dp_gate_offset: the joint
 * density of m variables z_i + W_i, W_i uniform in [-1/2, 1/2], is at most
 * e^(m a) times that of Laplace variables, and the sum of the W_i at most m/2.
 * (At m = 1 this is dp_gate_offset with d = 1.)  Beyond, the bound of
 * Chernoff, which holds on the lattice as it is.
 */
dp_int128
dp_sum_offset(double rate, double target, int m)
{
	double		offset = 1.0;

	target -= SAFETY;
	if (m > DP_SUM_EXACT_CELLS)
		offset = ceil(sum_distance(m, target) / rate * (1.0 + 1e-13));
	else if (log(0.5) > target - rate * m)
		offset = ceil(sum_distance(m, target - rate * m) / rate *
					  (1.0 + 1e-13) + 0.5 * m);
	/* else the least positive offset is enough: a symmetric sum is positive with at most 1/2 */
	return (dp_int128) fmax(offset, 1.0);
}

/*
 * A distance t >= 1 in lattice units: if the weights of m cells sum to at most `most` of these,
 * any of them is most + t or more with noise from dp_sparse_noise, with
 * probability at most exp(target), target < 0.
 *
 * For a discrete Laplace variable of rate a and t >= 1,
 * P(z >= t) = e^(-at)/(1 + e^-a) <= e^(-a(t - 1/2))/2.  With c_j the weights in
 * lattice units, I = most their greatest sum and tau = I + t, any cell reaches tau with
 * probability at most
 *
 *		e^(-a(t - 1/2))/2 * sum_j e^(-a(I - c_j)),
 *
 * convex in c and so greatest where one cell has everything:
 * 1 + (m-1) e^(-aI) <= m instead of the m of a plain union bound.
 */
static dp_int128
largest_offset(double rate, double target, int m, dp_int128 most)
{
	double		others = (m - 1.0) * exp(-rate * (double) most);
	double		log_odds = log(0.5 * (1.0 + others)) - target + SAFETY;

	return log_odds > 0.0 ? (dp_int128) ceil(log_odds / rate * (1.0 + 1e-13) + 0.5) : 1;
}

/*
 * dp_histogram_gate_threshold
 *		The gate of a histogram of m cells, each with its own noise from
 *		dp_sparse_noise: it passes if the noisy total reaches gate->sum, or the
 *		largest noisy cell reaches gate->largest (lattice units).
 *
 * An individual adds at most `weight` lattice units to the cells of a group, and is in at most `kept`
 * groups.  If there are `individuals`, it passes with probability at most
 * delta' = 1 - (1 - delta)^(1/kept): the largest cell has LARGEST_SHARE of that, the total the rest.  The total is
 * sharper where values are spread over the cells, the largest cell where many of them are
 * in one: its threshold does not grow with m.  That of the total grows, and so does what
 * it would lose by a smaller share.  The two of a single cell are one, and have all of
 * delta'.
 *
 * Parameters as for dp_gate_threshold; m >= 1.  Otherwise DP_ERR_RANGE, and *gate
 * is not touched.
 */
dp_status
dp_histogram_gate_threshold(int64_t epsilon_nano, int64_t delta_atto, int64_t groups,
							int64_t kept, int m, int64_t individuals, int64_t weight,
							dp_histogram_gate *gate)
{
	dp_int128	most = (dp_int128) individuals * weight;
	double		rate;
	double		target;

	if (!parameters_in_range(epsilon_nano, delta_atto, groups, individuals) ||
		kept < 1 || kept > DP_MAX_GROUPS || weight < 1 || weight > DP_SCALE || m < 1)
		return DP_ERR_RANGE;

	rate = lattice_rate(epsilon_nano, groups);
	target = log(dp_gate_group_delta(delta_atto, kept));
	gate->sum = gate->largest = most;
	gate->sum += dp_sum_offset(rate, target + (m > 1 ? log1p(-LARGEST_SHARE) : 0.0), m);
	gate->largest += largest_offset(rate, target + (m > 1 ? log(LARGEST_SHARE) : 0.0), m, most);
	return DP_OK;
}

/*
 * dp_category_threshold
 *		The threshold tau, in lattice units, that the noisy weight of a category
 *		must reach to be released, category and weight, from dp_sparse_noise
 *		over all the visible ones.
 *
 * Visible are the categories with at least `individuals` individuals.
 * Parameters as for dp_gate_threshold; rows in 1 .. DP_SPARSE_MAX_ROWS is the
 * most categories in which one individual may have weight.  Otherwise
 * DP_ERR_RANGE, and *tau is not touched.
 *
 * The proof is at the top of this file.  (i) is that of dp_sparse_noise.  (ii) A
 * category of weight at most `individuals` reaches tau with probability at most
 * delta'' = 1 - (1 - delta')^(1/rows), so any of `rows` new ones with at most
 * delta'; they have noise of their own, so this is so whatever the others do.
 * 1 - (1 - delta)^(1/(groups * rows)) is that delta''.
 */
dp_status
dp_category_threshold(int64_t epsilon_nano, int64_t delta_atto, int64_t groups,
					  int64_t rows, int64_t individuals, dp_int128 *tau)
{
	if (!parameters_in_range(epsilon_nano, delta_atto, groups, individuals) ||
		rows < 1 || rows > DP_SPARSE_MAX_ROWS)
		return DP_ERR_RANGE;

	/* At least 10^-30, within the range of dp_gate_offset. */
	*tau = (dp_int128) individuals * DP_SCALE +
		dp_gate_offset(lattice_rate(epsilon_nano, groups),
					   dp_gate_group_delta(delta_atto, groups * rows), 1);
	return DP_OK;
}

/*
 * dp_bins_threshold
 *		The threshold tau, in lattice units, of the gate on the greatest of m
 *		bins, each with its own noise from dp_sparse_noise.
 *
 * If the true weights sum to at most `individuals`, any bin reaches tau with
 * probability at most delta'.  The m bins are fixed beforehand: there are no
 * secret ones among them.
 *
 * Parameters as for dp_gate_threshold; m >= 1.  Otherwise DP_ERR_RANGE, and *tau
 * is not touched.
 */
dp_status
dp_bins_threshold(int64_t epsilon_nano, int64_t delta_atto, int64_t groups,
				  int m, int64_t individuals, dp_int128 *tau)
{
	if (!parameters_in_range(epsilon_nano, delta_atto, groups, individuals) || m < 1)
		return DP_ERR_RANGE;

	*tau = (dp_int128) individuals * DP_SCALE +
		largest_offset(lattice_rate(epsilon_nano, groups),
					   log(dp_gate_group_delta(delta_atto, groups)), m,
					   (dp_int128) individuals * DP_SCALE);
	return DP_OK;
}

/*
 * dp_mode_threshold
 *		The score of "none" in dp_mode_choose, in weight (DP_CELL_SCALE is one
 *		individual).
 *
 * Parameters and ranges as for dp_mode_choose; otherwise DP_ERR_RANGE, and
 * *threshold is not touched.
 *
 * min_individuals + ln(rows/(2 delta'))/epsilon', and at least min_individuals:
 * see there.
 */
dp_status
dp_mode_threshold(int64_t epsilon_nano, int64_t delta_atto, int64_t groups,
				  int64_t rows, int64_t min_individuals, dp_int128 *threshold)
{
	double		log_odds;
	double		distance = 0.0;

	if (!parameters_in_range(epsilon_nano, delta_atto, groups, min_individuals) ||
		rows < 1 || rows > DP_SPARSE_MAX_ROWS ||
		min_individuals > DP_RANK_MAX_INDIVIDUALS)
		return DP_ERR_RANGE;

	log_odds = log(0.5 * (double) rows) -
		log(dp_gate_group_delta(delta_atto, groups)) + SAFETY;
#ifdef DP_FAULT_NOISELESS
	*threshold = 0;
	return DP_OK;
#endif
	/* At most 10^15 * (13 + 56) * 2^24 < 2^81. */
	if (log_odds > 0.0)
		distance = ceil((double) groups / ((double) epsilon_nano * 1e-9) * log_odds *
						(1.0 + 1e-12) * (double) DP_CELL_SCALE);
	*threshold = (dp_int128) min_individuals * DP_CELL_SCALE + (dp_int128) distance;
	return DP_OK;
}

/* Whether the weight of each category can be that of its individuals. */
static bool
categories_in_range(const int64_t *weights, const int64_t *individuals, int m)
{
	for (int i = 0; i < m; i++)
		if (individuals[i] < 0 || individuals[i] > DP_RANK_MAX_INDIVIDUALS ||
			weights[i] < 0 || weights[i] > individuals[i] * DP_CELL_SCALE)
			return false;
	return true;
}

/*
 * dp_mode_choose
 *		The most frequent category: its index in *chosen, or -1 for none.
 *
 * weights[0 .. m-1] in units of DP_CELL_SCALE per individual, individuals[] the
 * number of those that have any weight there, 0 .. DP_RANK_MAX_INDIVIDUALS; m in
 * 0 .. DP_CHOOSE_MAX - 1.  epsilon_nano, delta_atto and groups as for
 * dp_gate_threshold; rows in 1 .. DP_SPARSE_MAX_ROWS, the most categories in
 * which one individual may have weight; min_individuals in 1 ..
 * DP_RANK_MAX_INDIVIDUALS.  Otherwise DP_ERR_RANGE.  work has room for m + 1
 * candidates.  DP_ERR_RANDOM if the source failed.  *chosen is -1 on error.
 *
 * The candidates are the visible categories, those with at least
 * min_individuals individuals, with their weights as scores, and "none" with the
 * score T of dp_mode_threshold, by permute-and-flip with the coins
 * exp(-epsilon' * deficit).  The proof is at the top of this file.  (i) An
 * individual raises each score by something in [0, 1] and leaves that of "none":
 * the range of the change is 1, whatever the number of categories (choose.c).
 * (ii) A new category has a score of at most min_individuals <= T.  So the best
 * candidate is the same without the new ones, and so are the coins of all
 * others.  Given these, of which h >= 1 show heads, the outcome without the new
 * ones is uniform among the h; the outcome is a new one with probability
 * E[H/(h + H)], H being how many of the new ones show heads, independently of
 * which of the h it is otherwise.  With r <= rows new ones,
 *
 *		E[H/(h + H)] <= sum_j P(heads_j) E[1/(h + H) | heads_j]
 *					 <= rows * exp(-epsilon'(T - min_individuals))/2,
 *
 * at most delta' by the choice of T; if that asks for less than min_individuals,
 * because delta' >= rows/2, this still holds at T = min_individuals.
 */
dp_status
dp_mode_choose(dp_random *rng, int64_t epsilon_nano, int64_t delta_atto,
			   int64_t groups, int64_t rows, int64_t min_individuals,
			   const int64_t *weights, const int64_t *individuals, int m,
			   const dp_choose_work *work, int *chosen)
{
	dp_int128	best;
	dp_int128	none;
	int			n = 0;
	int			candidate;
	dp_status	status;

	*chosen = -1;
	if (m < 0 || m >= DP_CHOOSE_MAX ||
		dp_mode_threshold(epsilon_nano, delta_atto, groups, rows,
						  min_individuals, &none) != DP_OK ||
		!categories_in_range(weights, individuals, m))
		return DP_ERR_RANGE;

	best = none;
	for (int i = 0; i < m; i++)
		if (individuals[i] >= min_individuals && weights[i] > best)
			best = weights[i];
	for (int i = 0; i < m; i++)
		if (individuals[i] >= min_individuals)
			work->deficits[n++] = (dp_uint128) (best - weights[i]);
	work->deficits[n] = (dp_uint128) (best - none);

	/*
	 * epsilon_nano * deficit: below 2^40 * 2^57 from weights and individuals, and 10^6 * 10^9 *
	 * 69 * 2^24 < 2^81 from what T has above them.
	 */
	status = dp_choose(rng, work->deficits, n + 1, (dp_uint128) epsilon_nano,
					   (dp_uint128) 1000000000 * (dp_uint128) DP_CELL_SCALE *
					   (dp_uint128) groups, work->order, &candidate);
	if (status != DP_OK || candidate == n)
		return status;

	/* The candidate-th of the visible ones. */
	for (int i = 0; i < m; i++)
		if (individuals[i] >= min_individuals && candidate-- == 0)
		{
			*chosen = i;
			break;
		}
	return DP_OK;
}
