/** How the console is built. The server runs this itself (src/console/build.ts); `npx vite console` serves it while it is worked on. */
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Where a server runs that the development server passes calls on to. */
const server = process.env.DEV_SERVER ?? 'http://localhost:8080';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: {
    target: 'es2023',
    // Those that know light-dark(): older targets get a substitute that does not follow the chosen colour scheme.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    emptyOutDir: true,
    // No inlined files: the content security policy takes fonts and images from files alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '^/(api[:/]|healthz)': server } },
});
