// The page: GraphiQL assembled from its parts, so that the bar with a new value can be above it. The history panel is left
// out on purpose, because it stores the request headers of every run.
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
  // The newest first. Each is shown until the reader dismisses it.
  const [values, setValues] = useState<string[]>([]);
  const [storage] = useState(playgroundStorage);
  // GraphiQL reads the schema again whenever it gets another fetcher, so the page has only one.
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
