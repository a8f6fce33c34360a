// The credential as the person moves between tabs. GraphiQL gives every tab its own headers, but here there is one
// person with one value at a time: a tab whose X-API-Key is still empty, or still the value that was just replaced,
// gets the one in use. All of it lives in memory and goes with the page.
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useEffect, useRef } from 'react';
import { credentialIn, withAPIKey, withPastedValue } from './headers';
import type { ReplacedValues } from './replaced-values';

/** Carries the credential from tab to tab; the function returned makes a new value the one in use. */
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
      // A value pasted bare is what everybody tries first.
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
