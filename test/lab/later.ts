/** `later('…', …)`: a test that `npm test` leaves to the turns of `test/labFiles.ts`. */
import { test } from 'vitest';
import { FIRST } from './forms.ts';

export const later = test.skipIf(FIRST);
