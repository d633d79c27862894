/** Where `iprelay` begins, once it is clear that this Node is new enough (scripts/build.mjs). */
import { begin } from '../cli/common/begin.ts';

begin('iprelay', () => import('../cli/iprelay.ts'));
