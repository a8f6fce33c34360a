// Which operation of a document to run. Separate because the run button and the curl line must choose the same one, and
// because GraphiQL updates the name late: right after a change of tab, it is still that of the last tab.
import { parse, type OperationDefinitionNode } from 'graphql';

export interface ChosenOperation {
  /** Null if the document has no such operation. The server then runs the only one, or reports the error. */
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
    // The server reports it: it accepts more than the grammar, and its errors say more.
    return [];
  }
}
