// Builds the dashboard into web/dist. Every path is relative, so that it works behind any path prefix.

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const API = process.env.PERCH_DEV_SERVER ?? 'http://127.0.0.1:3000';

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // The pages' content policy allows no data: or inline anything that we do not need.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  // `npx vite --config web/vite.config.ts` beside a running Perch.
  server: { proxy: { '/api': { target: API, ws: true }, '/cameras': API, '/embed': API } },
});
