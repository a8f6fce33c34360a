// Which values a rotation in this page has replaced. Separate because two places need to know: the headers, which should
// get the newest value, and the request, because a second rotation with the old value cancels the new one.
// Kept in memory only, so a reload forgets it.
import { Kind, parse, type ArgumentNode, type FieldNode } from 'graphql';

export interface ReplacedValues {
  /** Notes that `value` was replaced. */
  add(value: string): void;
  /** Notes that `value` is in use after all. */
  remove(value: string): void;
  has(value: string): boolean;
  /** Whether a request with `value` should be held back: the first time, so that running again sends it. */
  holdsBack(value: string): boolean;
}

export const NOT_SENT =
  'Not sent: the request headers contain a value that a rotation has replaced. Press “Use it in the request headers” ' +
  'above, or run again to send the old value anyway. A second rotation with the old value is refused for ten seconds; ' +
  'after that, it cancels the new value if that has not been used yet.';

export function replacedValues(): ReplacedValues {
  const replaced = new Set<string>();
  const warned = new Set<string>();
  return {
    add: (value) => void replaced.add(value),
    remove: (value) => void replaced.delete(value),
    has: (value) => replaced.has(value),
    holdsBack: (value) => {
      if (!replaced.has(value) || warned.has(value)) return false;
      warned.add(value);
      return true;
    },
  };
}

/** Whether the operation rotates the token whose value is in the request headers: it names no other token by id. */
export function rotatesItself(query: string, operationName: string | null | undefined, variables: unknown): boolean {
  const operation = parse(query).definitions.find(
    (definition) =>
      definition.kind === Kind.OPERATION_DEFINITION &&
      ((operationName ?? null) === null || definition.name?.value === operationName),
  );
  if (operation?.kind !== Kind.OPERATION_DEFINITION) return false;
  return operation.selectionSet.selections.some(
    (selection) =>
      selection.kind === Kind.FIELD && selection.name.value === 'rotateAPIToken' && !namesAnId(selection, variables),
  );
}

function namesAnId(field: FieldNode, variables: unknown): boolean {
  return (field.arguments ?? []).some((argument) => given(argumentValue(argument, variables), 'id'));
}

/** The input object as plain data, as far as its `id` goes. */
function argumentValue({ value }: ArgumentNode, variables: unknown): unknown {
  if (value.kind === Kind.VARIABLE) return property(variables, value.name.value);
  if (value.kind !== Kind.OBJECT) return undefined;
  const id = value.fields.find((field) => field.name.value === 'id')?.value;
  if (id?.kind === Kind.VARIABLE) return { id: property(variables, id.name.value) };
  return { id: id && id.kind !== Kind.NULL };
}

function given(object: unknown, name: string): boolean {
  return Boolean(property(object, name));
}

function property(object: unknown, name: string): unknown {
  return typeof object === 'object' && object !== null ? (object as Record<string, unknown>)[name] : undefined;
}
