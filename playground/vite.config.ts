// How the page is built. The output is committed and compared with a fresh build, so nothing here may depend on the
// machine, the clock or the checkout's path; and it runs under a policy without blob: or data: scripts, so workers are
// files of their own.
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  base: '/playground/',
  plugins: [react()],
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    sourcemap: false,
    // The licences of what is bundled ask that their text goes along; the page is embedded in a binary that is given away.
    license: { fileName: 'licenses.md' },
    // A worker or a font turned into a data: URL would be refused by the Content-Security-Policy.
    assetsInlineLimit: 0,
    // The editor is one big chunk by nature, and it comes from the machine next door.
    chunkSizeWarningLimit: 5000,
    // GraphiQL's packages carry hints for a compiler that has already run; a page of warnings about them hides others.
    rolldownOptions: {
      onwarn: (warning, warn) => {
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning);
      },
    },
  },
});
