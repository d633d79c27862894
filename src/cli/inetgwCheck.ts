import type { GlobalOptions } from './inetgw.ts';
import { usageError } from '../errors.ts';
export function checkCommand(_device: string, _options: GlobalOptions): Promise<number> {
  return Promise.reject(usageError('not built yet'));
}
