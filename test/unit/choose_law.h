/*
 * choose_law.h
 *		The law of permute-and-flip, for the unit tests of what rests on it.
 */
#ifndef DP_CHOOSE_LAW_H
#define DP_CHOOSE_LAW_H

#include <math.h>

#define LAW_MAX 256

/*
 * law[i]: the probability that candidate i of n <= LAW_MAX is chosen, from the
 * scores and the rate lambda.  By the number of heads among the others: with k
 * of them, i is chosen with probability 1/(k+1) if it shows heads.
 */
static inline void
choose_law(const double *scores, int n, double lambda, double *law)
{
	double		best = scores[0];

	for (int i = 1; i < n; i++)
		best = fmax(best, scores[i]);
	for (int i = 0; i < n; i++)
	{
		double		heads[LAW_MAX];
		int			others = 0;

		heads[0] = 1.0;
		law[i] = 0.0;
		for (int j = 0; j < n; j++)
		{
			double		coin = exp(-lambda * (best - scores[j]));

			if (j == i)
				continue;
			heads[others + 1] = 0.0;
			for (int k = others + 1; k > 0; k--)
				heads[k] = heads[k] * (1.0 - coin) + heads[k - 1] * coin;
			heads[0] *= 1.0 - coin;
			others++;
		}
		for (int k = 0; k <= others; k++)
			law[i] += heads[k] / (k + 1);
		law[i] *= exp(-lambda * (best - scores[i]));
	}
}

/* The greatest |log(a[i]/b[i])|. */
static inline double
greatest_loss(const double *a, const double *b, int n)
{
	double		loss = 0.0;

	for (int i = 0; i < n; i++)
		loss = fmax(loss, fabs(log(a[i] / b[i])));
	return loss;
}

#endif							/* DP_CHOOSE_LAW_H */
