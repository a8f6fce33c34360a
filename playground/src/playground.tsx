// The page: GraphiQL put together from its parts, so that the bar with a new value can stand above it. The history
// panel is left out on purpose: it keeps the request headers of every run, and an old value is no use in a new request.
import { DOC_EXPLORER_PLUGIN, DocExplorerStore } from '@graphiql/plugin-doc-explorer';
import { GraphiQLProvider } from '@graphiql/react';
import { GraphiQL, GraphiQLInterface } from 'graphiql';
import { useState } from 'react';
import { CopyAsCurlButton } from './copy-as-curl';
import { createFetcher, INTROSPECTION_NAME } from './fetcher';
import { FIRST_TABS } from './first-tabs';
import { HEADERS_PREFILL } from './headers';
import { IssuedValueBar } from './issued-value-bar';
import { replacedValues } from './replaced-values';
import { playgroundStorage } from './storage';

const ENDPOINT = '/graphql';
const PLUGINS = [DOC_EXPLORER_PLUGIN];

export function Playground() {
  // The newest first, and none pushed out by the next: each is shown until the person dismisses it.
  const [values, setValues] = useState<string[]>([]);
  const [storage] = useState(playgroundStorage);
  // GraphiQL reads the schema again whenever it is handed another fetcher, so there is one for the life of the page.
  const [replaced] = useState(replacedValues);
  const [fetcher] = useState(() =>
    createFetcher(ENDPOINT, replaced, (issued) => setValues((shown) => [...new Set([...issued, ...shown])])),
  );

  return (
    <GraphiQLProvider
      fetcher={fetcher}
      introspectionQueryName={INTROSPECTION_NAME}
      inputValueDeprecation
      storage={storage}
      shouldPersistHeaders={false}
      defaultTabs={FIRST_TABS}
      defaultHeaders={HEADERS_PREFILL}
      defaultQuery=""
      plugins={PLUGINS}
      referencePlugin={DOC_EXPLORER_PLUGIN}
    >
      <DocExplorerStore>
        <IssuedValueBar
          replaced={replaced}
          values={values}
          onDismiss={(dismissed) => setValues((shown) => shown.filter((value) => value !== dismissed))}
        />
        <GraphiQLInterface defaultEditorToolsVisibility="headers" showPersistHeadersSettings={false}>
          <GraphiQL.Logo>
            <a href="/" className="rotakey-logo">
              Rotakey
            </a>
          </GraphiQL.Logo>
          <GraphiQL.Toolbar>
            {({ prettify, merge, copy }) => (
              <>
                {prettify}
                {merge}
                {copy}
                <CopyAsCurlButton endpoint={ENDPOINT} />
              </>
            )}
          </GraphiQL.Toolbar>
        </GraphiQLInterface>
      </DocExplorerStore>
    </GraphiQLProvider>
  );
}
