import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// Beside the bundle, where only who may write the bundle may write: compiled code is believed. Where nobody may, as in an
// image whose root is read-only, nothing is kept, and what was kept when the image was made is used.
enableCompileCache(join(import.meta.dirname, 'compile-cache'));

await import('./main.ts');
