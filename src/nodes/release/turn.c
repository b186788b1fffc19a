/*
 * turn.c
 *		Of those who ask the same at a time, one draws, and the others wait for its answer.
 *
 * Otherwise each would pay: a dashboard opens its charts at once, and many people open it at nine.
 * The turn is a heavyweight lock, which PostgreSQL releases whatever becomes of the transaction.  A
 * client may pay and leave its cursor unread: so nobody waits longer than PATIENCE_MS for one that neither pays
 * nor runs, which a second lock tells; nor longer than MOST_MS for one that runs, since by settings of the planner a
 * client can have it run for hours.  Who waits in vain draws and pays by itself.
 *
 * The locks are advisory ones of a class that no SQL function can take.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "nodes/release/turn.h"

/* Classes of advisory locks; those of PostgreSQL's functions are 1 and 2. */
#define TURN_CLASS		0xD9A0
#define RUNNING_CLASS	0xD9A1

#define PATIENCE_MS		3000	/* for one that has paid and does not begin to run */
#define MOST_MS			20000	/* for one that runs */
#define LOOK_MS			5		/* between two looks */

/* The lock that stands for a digest. */
static void
set_tag(LOCKTAG *tag, const uint8 *digest, uint16 class)
{
	uint32		words[2];

	memcpy(words, digest, sizeof(words));
	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, words[0], words[1], class);
}

/* Takes a lock if it is free, until the end of the transaction at the latest. */
static bool
take(const uint8 *digest, uint16 class)
{
	LOCKTAG		tag;

	set_tag(&tag, digest, class);
	return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

static void
give_back(const uint8 *digest, uint16 class)
{
	LOCKTAG		tag;

	set_tag(&tag, digest, class);
	(void) LockRelease(&tag, ExclusiveLock, false);
}

/* Is another session running it? */
static bool
is_running(const uint8 *digest)
{
	if (!take(digest, RUNNING_CLASS))
		return true;
	give_back(digest, RUNNING_CLASS);
	return false;
}

/*
 * turn_take
 *		Takes the turn to draw what a digest stands for; false if another session has it and does not
 *		get on.
 *
 * *waited is set if another session had it meanwhile: its answer may be there now.
 */
bool
turn_take(const uint8 *digest, bool *waited)
{
	TimestampTz began = GetCurrentTimestamp();
	TimestampTz since = began;

	while (!take(digest, TURN_CLASS))
	{
		*waited = true;
		if (TimestampDifferenceExceeds(began, GetCurrentTimestamp(), MOST_MS))
			return false;
		if (is_running(digest))
			since = GetCurrentTimestamp();
		else if (TimestampDifferenceExceeds(since, GetCurrentTimestamp(), PATIENCE_MS))
			return false;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, LOOK_MS,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	return true;
}

/*
 * turn_runs: whoever has the turn begins to pay, or to run; false if it cannot be told, since somebody is just looking
 * (is_running()).
 */
bool
turn_runs(const uint8 *digest)
{
	return take(digest, RUNNING_CLASS);
}

/* turn_rests: it has paid, and has not begun to run. */
void
turn_rests(const uint8 *digest)
{
	give_back(digest, RUNNING_CLASS);
}

/* turn_end: gives the turn back, and that it runs, if turn_runs() has told so. */
void
turn_end(const uint8 *digest, bool running)
{
	if (running)
		give_back(digest, RUNNING_CLASS);
	give_back(digest, TURN_CLASS);
}
