/*
 * paths.c
 *		Which paths of jsonb may stand below a release?
 *
 * A path that fails for a document is NULL there, as all that is guarded.  But memory that runs out is
 * no such failure, and a path may collect far more than the document holds: .** of .** each part
 * several times, .keyvalue() three parts for one, and $ in a filter the whole document for each of
 * its parts.  If only one person's document leads there, everybody's answer is an error.
 * So a path may go from the document down, and from where it is down, and nothing else: then it comes to each
 * part once, and what it collects is no larger than the document.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonpath.h"

#include "query/paths.h"

static bool item_is_bounded(JsonPathItem *item, bool inside);

/* Are the two operands? */
static bool
operands_are_bounded(JsonPathItem *item, bool inside)
{
	JsonPathItem left;
	JsonPathItem right;

	jspGetLeftArg(item, &left);
	jspGetRightArg(item, &right);
	return item_is_bounded(&left, inside) && item_is_bounded(&right, inside);
}

/* Is the operand, which is computed once or, "inside", for each part that is filtered? */
static bool
operand_is_bounded(JsonPathItem *item, bool inside)
{
	JsonPathItem operand;

	jspGetArg(item, &operand);
	return item_is_bounded(&operand, inside);
}

static bool
subscripts_are_bounded(JsonPathItem *item)
{
	for (int i = 0; i < item->content.array.nelems; i++)
	{
		JsonPathItem from;
		JsonPathItem to;
		bool		range = jspGetArraySubscript(item, &from, &to, i);

		if (!item_is_bounded(&from, true) || (range && !item_is_bounded(&to, true)))
			return false;
	}
	return true;
}

/* Is one item of a path bounded, without those that follow it? */
static bool
step_is_bounded(JsonPathItem *item, bool inside)
{
	switch (item->type)
	{
		case jpiNull:
		case jpiString:
		case jpiNumeric:
		case jpiBool:
		case jpiAnyArray:
		case jpiAnyKey:
		case jpiKey:
		case jpiCurrent:
		case jpiLast:
		case jpiType:
		case jpiSize:
		case jpiAbs:
		case jpiFloor:
		case jpiCeiling:
		case jpiDouble:
			return true;
		case jpiRoot:
			return !inside;
		case jpiIndexArray:
			return subscripts_are_bounded(item);
		case jpiAnd:
		case jpiOr:
		case jpiEqual:
		case jpiNotEqual:
		case jpiLess:
		case jpiGreater:
		case jpiLessOrEqual:
		case jpiGreaterOrEqual:
		case jpiAdd:
		case jpiSub:
		case jpiMul:
		case jpiDiv:
		case jpiMod:
		case jpiStartsWith:
			return operands_are_bounded(item, inside);
		case jpiNot:
		case jpiIsUnknown:
		case jpiPlus:
		case jpiMinus:
		case jpiExists:
			return operand_is_bounded(item, inside);
		case jpiFilter:
			return operand_is_bounded(item, true);
		case jpiLikeRegex:
			{
				JsonPathItem expr;

				jspInitByBuffer(&expr, item->base, item->content.like_regex.expr);
				return item_is_bounded(&expr, inside);
			}
		default:
			return false;
	}
}

/* Are an item and those that follow it?  inside: within a filter or a subscript. */
static bool
item_is_bounded(JsonPathItem *item, bool inside)
{
	JsonPathItem next;

	check_stack_depth();
	return step_is_bounded(item, inside) &&
		(!jspGetNext(item, &next) || item_is_bounded(&next, inside));
}

/* Does a jsonpath collect no more than its document holds, however that looks? */
bool
path_is_bounded(Datum path)
{
	JsonPathItem first;

	jspInit(&first, DatumGetJsonPathP(path));
	return item_is_bounded(&first, false);
}
