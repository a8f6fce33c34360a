// The toolbar button "Copy as curl". It reads the editors at the moment of the click, so the line is exactly what
// the run button would send. curl.ts makes the line.
import { ToolbarButton, tryParseJSONC, useGraphiQL } from '@graphiql/react';
import { useState } from 'react';
import { curlCommand } from './curl';
import { headersToSend, parseHeaders } from './headers';
import { chooseOperation } from './operation';

const LABEL = 'Copy as curl (with the request headers)';

export function CopyAsCurlButton({ endpoint }: { endpoint: string }) {
  const { queryEditor, variableEditor, headerEditor, operationName } = useGraphiQL((state) => ({
    queryEditor: state.queryEditor,
    variableEditor: state.variableEditor,
    headerEditor: state.headerEditor,
    operationName: state.operationName,
  }));
  const [label, setLabel] = useState(LABEL);

  const copy = async () => {
    const query = queryEditor?.getValue() ?? '';
    try {
      const line = curlCommand(
        new URL(endpoint, window.location.origin).href,
        headersToSend(parseHeaders(headerEditor?.getValue() ?? '')),
        {
          query,
          variables: tryParseJSONC(variableEditor?.getValue() ?? ''),
          operationName: chooseOperation(query, operationName).name,
        },
      );
      await navigator.clipboard.writeText(line);
      setLabel('Copied as curl');
    } catch (error) {
      setLabel(`Not copied. ${error instanceof Error ? error.message : ''}`);
    }
  };

  return (
    <ToolbarButton label={label} onClick={() => void copy()} onMouseLeave={() => setLabel(LABEL)}>
      <svg viewBox="0 0 20 20" fill="none" stroke="currentColor" strokeWidth="1.5" className="graphiql-toolbar-icon" aria-hidden="true">
        <rect x="1.75" y="3.25" width="16.5" height="13.5" rx="2" />
        <path d="M5 7.5 8 10l-3 2.5M10 13h5" strokeLinecap="round" strokeLinejoin="round" />
      </svg>
    </ToolbarButton>
  );
}
