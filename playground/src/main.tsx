// Where the page starts: the workers of the editor, the styles, and the one React root. The editor brings its own
// styles, so only those of GraphiQL's parts are named here, not its all-in-one sheet, which holds every font twice.
import 'graphiql/setup-workers/vite';
import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import 'graphiql/graphiql.css';
import './style.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Playground } from './playground';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element with the id "root".');
createRoot(root).render(
  <StrictMode>
    <Playground />
  </StrictMode>,
);
