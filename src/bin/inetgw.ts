/** Where `inetgw` begins, once it is clear that this Node is new enough (scripts/build.mjs). */
import { begin } from '../cli/common/begin.ts';

begin('inetgw', () => import('../cli/inetgw/inetgw.ts'));
