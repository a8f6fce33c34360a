// The request of the current tab as one line for a shell. Separate from the button that copies it, so that the quoting is
// tested without a page.

export interface GraphQLRequest {
  query: string;
  variables?: unknown;
  operationName?: string | null;
}

/** One line, safe to paste: whatever the query, the variables or the headers contain, the shell sees plain arguments. */
export function curlCommand(url: string, headers: [name: string, value: string][], request: GraphQLRequest): string {
  const hasContentType = headers.some(([name]) => name.toLowerCase() === 'content-type');
  const sent: typeof headers = hasContentType ? headers : [['Content-Type', 'application/json'], ...headers];
  const body = JSON.stringify({
    query: request.query,
    variables: request.variables,
    operationName: request.operationName ?? undefined,
  });
  return [
    'curl',
    '--request POST',
    quoted(url),
    ...sent.map(([name, value]) => `--header ${quoted(headerLine(name, value))}`),
    // Not --data: that would read a file where the body starts with an @.
    `--data-raw ${quoted(body)}`,
  ].join(' ');
}

function headerLine(name: string, value: string): string {
  // curl takes "Name:" as "do not send it"; a semicolon is its way to say "send it empty".
  const line = value === '' ? `${name};` : `${name}: ${value}`;
  return line.replace(/[\r\n]+/g, ' ');
}

// Inside single quotes a POSIX shell leaves everything alone but the single quote itself.
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
