// Which operation of a document is meant. Separate because the run and the curl line must choose alike, and because
// GraphiQL's own idea of the name trails the editor by a moment: right after a change of tab it is still the last tab's.
import { parse, type OperationDefinitionNode } from 'graphql';

export interface ChosenOperation {
  /** Null where the document has no such operation; the server then takes the only one, or says what is wrong. */
  name: string | null;
  isSubscription: boolean;
}

export function chooseOperation(query: string, wanted: string | null | undefined): ChosenOperation {
  const operations = operationsIn(query);
  const chosen = operations.find((node) => node.name?.value === wanted) ?? (operations.length === 1 ? operations[0] : undefined);
  return { name: chosen?.name?.value ?? null, isSubscription: chosen?.operation === 'subscription' };
}

function operationsIn(query: string): OperationDefinitionNode[] {
  try {
    return parse(query).definitions.filter((node) => node.kind === 'OperationDefinition');
  } catch {
    // Not ours to report: the server reads more than the grammar allows, and its errors say more.
    return [];
  }
}
