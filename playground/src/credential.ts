// The credential when you switch tabs. In GraphiQL every tab has its own headers, but here one person uses one value at a
// time. So a tab whose X-API-Key is empty, or is a value that was replaced, gets the one in use. Kept in memory only.
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useEffect, useRef } from 'react';
import { credentialIn, withAPIKey, withPastedValue } from './headers';
import type { ReplacedValues } from './replaced-values';

/** Carries the credential from tab to tab. The function that it returns makes a new value the one in use. */
export function useCredential(replaced: ReplacedValues): (value: string) => void {
  const { updateActiveTabValues } = useGraphiQLActions();
  const { headerEditor, tabId } = useGraphiQL((state) => ({
    headerEditor: state.headerEditor,
    tabId: state.tabs[state.activeTabIndex]?.id,
  }));
  const inUse = useRef('');

  useEffect(() => {
    if (!headerEditor) return;
    const listener = headerEditor.onDidChangeModelContent(() => {
      // Pasting a bare value is what people try first.
      const text = withPastedValue(headerEditor.getValue());
      if (text !== null) write(text);
      const credential = credentialIn(headerEditor.getValue());
      if (credential && !replaced.has(credential)) inUse.current = credential;
    });
    return () => listener.dispose();
  }, [headerEditor]);

  const write = (headers: string) => {
    headerEditor?.setValue(headers);
    // The editor reports its changes a moment late; a tab left within that moment would keep the old text.
    updateActiveTabValues({ headers });
  };

  const writeCredential = (value: string) => {
    if (headerEditor) write(withAPIKey(headerEditor.getValue(), value));
  };

  useEffect(() => {
    const credential = credentialIn(headerEditor?.getValue() ?? '');
    const isStale = credential === '' || (credential !== null && replaced.has(credential));
    if (isStale && inUse.current !== '') writeCredential(inUse.current);
    // Only a change of tab carries the credential: emptying the field by hand must stay possible.
  }, [tabId]);

  return (value) => {
    const old = credentialIn(headerEditor?.getValue() ?? '');
    if (old && old !== value) replaced.add(old);
    replaced.remove(value);
    inUse.current = value;
    writeCredential(value);
  };
}
