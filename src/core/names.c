/*
 * names.c
 *		Names of relations for messages, and for statements that messages suggest.
 *
 * Whoever runs a statement that a message suggests may have another search_path than whoever got
 * the message, and there may be tables of the same name in several schemas.  So a
 * statement names schema and table, quoted where that is needed.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "core/names.h"

/* The schema and the name of a relation, as SQL writes them in any session.  palloc'd. */
char *
relation_for_statement(Oid relid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
									  get_rel_name(relid));
}

/*
 * The name of a relation for the text of a message: alone, as PostgreSQL's own messages do, if
 * search_path finds the relation by it, else as SQL writes it, with its schema.  palloc'd.
 */
char *
relation_for_message(Oid relid)
{
	return RelationIsVisible(relid) ? get_rel_name(relid) : relation_for_statement(relid);
}
